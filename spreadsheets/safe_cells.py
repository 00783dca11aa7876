"""Protects against CSV injection: marks cells that a spreadsheet would run as a formula, and can remove the mark.

The mark is a leading apostrophe, which tells every spreadsheet that the cell is text. Text that already has apostrophes
before a formula sign gets one more, so that removing the mark restores any text exactly.
"""

import re

BLANKS = (
    "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b\u200e\u200f\u2060\ufeff"
)

# Matches text that begins with a formula sign, also after apostrophes and blanks. The signs are those on OWASP's page
# about CSV injection, and their full-width and small forms.
_RUNS = re.compile(f"'*[{re.escape(BLANKS)}]*[=+\\-@\t\r\n\0＝＋－＠﹦﹢﹣﹫]")
_INTEGER = re.compile(r"'*-?[0-9]+", re.ASCII)


def safe_cell(text: str) -> str:
    """Return `text` with the mark if a spreadsheet would run it as a formula. Integers are never changed."""
    return f"'{text}" if _would_run(text) else text


def unsafe_cell(text: str) -> str:
    """Return `text` without the apostrophe that `safe_cell` added, if it added one."""
    return text[1:] if text[:1] == "'" and _would_run(text) else text


def _would_run(text: str) -> bool:
    if text[:1].isalnum():  # fast path for most cells: no formula sign, blank or apostrophe is alphanumeric
        return False
    return _RUNS.match(text) is not None and not _INTEGER.fullmatch(text)
