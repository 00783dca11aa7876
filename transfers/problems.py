"""The words for everything that can be wrong with a file, a row or a pair.

A ``Kind`` is a catalogue entry; calling it with the place and the value gives a ``Problem``. Each module keeps
its own catalogue, so that a sentence is found by searching for its code. Pure data: no Django, no database.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from accounts.names import isolated, visible

SHOWN_LENGTH = 80
_DETAIL_LENGTH = 400


class Sentence(str):
    """Words that a ``Kind`` has made, to be quoted by another one as they are."""

    __slots__ = ()


class Severity(StrEnum):
    """How far a problem goes: whole file refused, row blocked, may run, only said."""

    REJECT = "reject"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def blocks(self) -> bool:
        return self in (Severity.REJECT, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, ready to be shown: what and where (``sentence``), and the next step (``remedy``).

    ``row`` is the spreadsheet's own row number (header = 1), None for the whole file. ``value`` is what the cell
    held, made safe to show. ``suggestion`` is a user ID that a person may take over with one click.
    """

    code: str
    severity: Severity
    sentence: str
    remedy: str
    row: int | None = None
    column: str | None = None
    value: str = ""
    suggestion: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "severity": self.severity.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Problem":
        """The inverse of ``to_json``; an unknown severity raises ValueError, an unknown key TypeError."""
        return cls(**{**data, "severity": Severity(data["severity"])})


@dataclass(frozen=True, slots=True)
class Kind:
    """A catalogue entry. ``sentence`` and ``remedy`` are ``str.format`` templates over the named arguments."""

    code: str
    severity: Severity
    sentence: str
    remedy: str = ""

    def __call__(
        self,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str = "",
        suggestion: int | None = None,
        **details: object,
    ) -> Problem:
        """Fill in the templates. Texts are arguments, never templates: braces in them stay what they are."""
        value = shown(value)
        words = {name: _safe(detail) for name, detail in details.items()}
        words |= {"row": row, "column": column, "value": isolated(value), "suggestion": suggestion}
        return Problem(
            self.code,
            self.severity,
            self.sentence.format_map(words),
            self.remedy.format_map(words),
            row,
            column,
            value,
            suggestion,
        )


def shown(text: str, length: int = SHOWN_LENGTH) -> str:
    """``text`` on one line, at most ``length`` characters, without characters that hide or reorder others."""
    clipped = text if len(text) <= length else text[: length - 1] + "…"
    return visible(clipped)


def _safe(detail: object) -> object:
    """Ready for a template: what another template made is so already."""
    if isinstance(detail, Sentence) or not isinstance(detail, str):
        return detail
    return isolated(shown(detail, _DETAIL_LENGTH))
