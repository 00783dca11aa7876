"""Protection against CSV injection: mark text cells that a spreadsheet would run as a formula, and unmark them.

A leading apostrophe tells every spreadsheet "this is text". Text that already starts with apostrophes before such a
sign gets one more, so that the inverse is exact for every text.
"""

import re

BLANKS = (
    "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b\u200e\u200f\u2060\ufeff"
)

# The signs that OWASP's page on CSV injection names, also after blanks, and their full-width and small forms.
_RUNS = re.compile(f"'*[{re.escape(BLANKS)}]*[=+\\-@\t\r\n\0＝＋－＠﹦﹢﹣﹫]")
_INTEGER = re.compile(r"'*-?[0-9]+", re.ASCII)


def safe_cell(text: str) -> str:
    """Make `text` safe to open in a spreadsheet; integers are never touched."""
    return f"'{text}" if _would_run(text) else text


def unsafe_cell(text: str) -> str:
    """Strip exactly the apostrophe that `safe_cell` added."""
    return text[1:] if text[:1] == "'" and _would_run(text) else text


def _would_run(text: str) -> bool:
    if text[:1].isalnum():  # nearly every cell; no sign, blank or apostrophe is alphanumeric
        return False
    return _RUNS.match(text) is not None and not _INTEGER.fullmatch(text)
