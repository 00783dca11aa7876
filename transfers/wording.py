"""Sentences that stand in more than one place, so that they are the same in each. Pure text, no database."""

from accounts.names import isolated, visible


def direction(source_name: str, source_id: int, target_name: str, target_id: int) -> str:
    """Which way a pair goes, the one way everybody says it: "Ana Díaz (18) → Bo Chen (19): Ana's data moves to Bo"."""
    source_name, target_name = visible(source_name), visible(target_name)
    who, whom = short_names(source_name, target_name)
    source, target = f"{isolated(source_name)} ({source_id})", f"{isolated(target_name)} ({target_id})"
    return f"{source} → {target}: {possessive(who)} data moves to {isolated(whom)}"


def short_names(source_name: str, target_name: str) -> tuple[str, str]:
    """First names; whole names where the first names are the same or missing."""
    first = (source_name.split(" ", 1)[0], target_name.split(" ", 1)[0])
    if first[0].lower() == first[1].lower():
        return source_name, target_name
    return first


def possessive(name: str) -> str:
    return f"{isolated(name)}'" if name.endswith(("s", "S")) else f"{isolated(name)}'s"


def counted(n: int, noun: str, plural: str = "") -> str:
    """Like "1 row", "2 rows", "2,000 rows"; `plural` where it is not just an s more."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
