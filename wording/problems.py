"""Problems with a file, a row or a pair, and their sentences.

A ``Kind`` describes one kind of problem; calling it with the row, column and value returns a ``Problem``. Each module
defines the kinds it reports, so a search for a code finds its sentence.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from wording.display_text import isolated, visible

SHOWN_LENGTH = 80
_DETAIL_LENGTH = 400
_NAMES = ("name", "in_file", "expected", "sources", "path", "receiver")  # details that name users


class Sentence(str):
    """Text that is safe to display, so that a ``Kind`` inserts it unchanged."""

    __slots__ = ()


class Severity(StrEnum):
    """What a problem stops: the whole file (reject), its row (error), or nothing (warning, note)."""

    REJECT = "reject"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def blocks(self) -> bool:
        return self in (Severity.REJECT, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, ready to display. ``sentence`` says what is wrong and where, and ``remedy`` says what to do next.

    ``row`` is the spreadsheet's own row number (header = 1), or None for a problem of the whole file. ``value`` is the
    content of the cell, safe to display. ``suggestion`` is a user ID that can be accepted with one click. ``names`` are
    the texts of users in the sentences, which must not be translated.
    """

    code: str
    severity: Severity
    sentence: str
    remedy: str
    row: int | None = None
    column: str | None = None
    value: str = ""
    suggestion: int | None = None
    names: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "severity": self.severity.value, "names": list(self.names)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Problem":
        """Return the problem that ``to_json`` converted.

        Raises ValueError for an unknown severity, and TypeError for an unknown key.
        """
        names = tuple(data.get("names", ()))
        return cls(**{**data, "severity": Severity(data["severity"]), "names": names})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem. ``sentence`` and ``remedy`` are ``str.format`` templates for the arguments of a call."""

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
        """Return a problem with the templates filled in. Braces in the arguments are not interpreted."""
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
            tuple(str(name) for name in (value, suggestion, *_names_in(details)) if name),
        )


def shown(text: str, length: int = SHOWN_LENGTH) -> str:
    """Shorten text to ``length`` characters and make it safe to display (see ``visible``)."""
    clipped = text if len(text) <= length else text[: length - 1] + "…"
    return visible(clipped)


def _names_in(details: dict[str, object]) -> list[str]:
    found = [details[name] for name in _NAMES if name in details]
    return [shown(str(name), _DETAIL_LENGTH) for name in found if not isinstance(name, Sentence)]


def _safe(detail: object) -> object:
    """Return the detail in a form that is safe to insert. A ``Sentence`` is already safe."""
    if isinstance(detail, Sentence) or not isinstance(detail, str):
        return detail
    return isolated(shown(detail, _DETAIL_LENGTH))
