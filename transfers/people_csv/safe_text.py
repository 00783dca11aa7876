"""Text cells that a spreadsheet would run as a formula, and back again.

A leading apostrophe tells every spreadsheet "this is text". Texts that already start with apostrophes before such
a sign get one more, which is what makes the way back exact for every text.
"""

import re

BLANKS = (
    "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b\u200e\u200f\u2060\ufeff"
)

# The signs named by OWASP's page on CSV injection, also behind blanks, with their full-width and small forms.
_RUNS = re.compile(f"'*[{re.escape(BLANKS)}]*[=+\\-@\t\r\n\0＝＋－＠﹦﹢﹣﹫]")
_INTEGER = re.compile(r"'*-?[0-9]+", re.ASCII)


def safe_cell(text: str) -> str:
    """``text`` as it may stand in a file that a spreadsheet opens; integers are never touched."""
    return f"'{text}" if _would_run(text) else text


def unsafe_cell(text: str) -> str:
    """The inverse of ``safe_cell``: strips exactly the apostrophe that it put there."""
    return text[1:] if text[:1] == "'" and _would_run(text) else text


def _would_run(text: str) -> bool:
    if text[:1].isalnum():  # nearly every cell; no sign, blank or apostrophe is alphanumeric
        return False
    return _RUNS.match(text) is not None and not _INTEGER.fullmatch(text)
