"""Converts text to a normal form of Unicode in linear time, whatever it contains.

A normal form sorts the marks above and below each letter. Python sorts a run of n marks in n² steps, so that one cell
with a million of them would keep a process busy for a quarter of an hour. As in Unicode's Stream-Safe Text Process (UAX
#15, 13.4), a joiner that ends the run is put after every 30 of them. No language writes so many.
"""

import re
import unicodedata
from typing import Literal

_LONGEST = 30  # marks in a row
_JOINER = "\u034f"  # combining grapheme joiner: invisible, and no mark is sorted across it
# Marks are neither letters, digits nor spaces, except for the halfwidth voiced sound marks, which become marks.
_LONG_RUN = re.compile(rf"(?:[^\w\s]|[\uff9e\uff9f]){{{_LONGEST + 1},}}")


def normalized(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Return the text in the normal form, with a joiner after every 30 marks in a row."""
    return text if text.isascii() else unicodedata.normalize(form, _LONG_RUN.sub(_joined, text))


def _joined(run: re.Match[str]) -> str:
    parts: list[str] = []
    marks = 0
    for char in run[0]:
        marks = marks + 1 if _is_sorted(char) else 0
        parts.append(char)
        if marks == _LONGEST:
            parts.append(_JOINER)
            marks = 0
    return "".join(parts)


def _is_sorted(char: str) -> bool:
    """Return whether the character is, or becomes, a mark whose place in a run depends on its kind."""
    return bool(unicodedata.combining(unicodedata.normalize("NFKD", char)[0]))
