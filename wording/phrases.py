"""Phrases used in more than one place: counts with the right plural, sentence templates, the direction of a pair."""

import string
from collections.abc import Mapping
from typing import Any

from wording.display_text import isolated, visible


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return "1 row", "2 rows" or "2,000 rows". `plural` is for nouns whose plural is not formed by adding s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


class PhraseFormatter(string.Formatter):
    """`str.format` with nouns as format specs.

    `{n:row}` becomes "1 row" or "2,000 rows", and `{n:person|people}` becomes "1 person" or "2 people".
    """

    def format_field(self, value: Any, format_spec: str) -> Any:
        noun, _, plural = format_spec.partition("|")
        return counted(value, noun, plural) if noun.isalpha() else super().format_field(value, format_spec)


def phrase(template: str, words: Mapping[str, Any]) -> str:
    """Fill in a template for `PhraseFormatter`. Braces in the words are not interpreted."""
    return PhraseFormatter().vformat(template, (), words)


def direction(source_name: str, source_id: int, target_name: str, target_id: int, verb: str = "moves") -> str:
    """Return the direction of a pair as text, such as "Ana Díaz (18) → Bo Chen (19): Ana's data moves to Bo"."""
    source_name, target_name = visible(source_name), visible(target_name)
    who, whom = short_names(source_name, target_name)
    source, target = f"{isolated(source_name)} ({source_id})", f"{isolated(target_name)} ({target_id})"
    return f"{source} → {target}: {possessive(who)} data {verb} to {isolated(whom)}"


def short_names(source_name: str, target_name: str) -> tuple[str, str]:
    """Return the first names, or the full names if the first names are the same."""
    first = (source_name.split(" ", 1)[0], target_name.split(" ", 1)[0])
    if first[0].lower() == first[1].lower():
        return source_name, target_name
    return first


def possessive(name: str) -> str:
    return f"{isolated(name)}'" if name.endswith(("s", "S")) else f"{isolated(name)}'s"
