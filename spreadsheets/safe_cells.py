"""Protects against CSV injection: marks cells that a spreadsheet would run as a formula, and can remove the marks.

The mark is an apostrophe, which makes text of what follows. A file can be opened with another separator than its own:
with `;`, the cell `A;=1+1` is two cells, even in quotation marks, because these have no meaning inside a field.
Therefore a mark stands wherever a formula could start: at the start of the cell, and after a separator, blank or line
break in it. Text that already looks marked gets one more apostrophe at each of these places, so that removing the marks
restores any text exactly.
"""

import re

BLANKS = (
    "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b\u200e\u200f\u2060\ufeff"
)

# The signs that start a formula, from OWASP's page about CSV injection, and their full-width and small forms.
SIGN = re.compile(r"[=+\-@＝＋－＠﹦﹢﹣﹫]")
_SEPARATOR = re.compile(r"[,;|\t\r\n ]")
_MARK = re.compile(rf"({_SEPARATOR.pattern})'")
_SKIPPED = re.escape(BLANKS) + ",;|'\"\\0"  # a spreadsheet may drop any of these before a sign

# The longest run of skipped characters before a sign. The time is linear because of the possessive quantifier, and of
# the look-behind, which lets no run start inside another.
_RUN = re.compile(f"[{_SKIPPED}](?<![{_SKIPPED}].)[{_SKIPPED}]*+(?={SIGN.pattern})", re.DOTALL)
_DASH = re.compile(
    f"[' ]++{SIGN.pattern}++ "
)  # as in “Sales - North”: with spaces as separators, the sign is alone
_CONTROL = re.compile(f"['{re.escape(BLANKS)}]*[\t\r\n\0]")


def safe_cell(text: str) -> str:
    """Return `text` with a mark at each place where a spreadsheet could find the start of a formula."""
    if text.isalnum():  # fast path for most cells
        return text
    start = "'" if _starts_with_control(text) else ""
    return start + _RUN.sub(_marked, f",{text}")[1:]


def unsafe_cell(text: str) -> str:
    """Return `text` without the apostrophes that `safe_cell` added."""
    if "'" not in text:
        return text
    if text[0] == "'" and _starts_with_control(text):
        text = text[1:]
    return _RUN.sub(_unmarked, f",{text}")[1:]


def _marked(run: re.Match[str]) -> str:
    return run[0] if _is_dash(run) else _SEPARATOR.sub(r"\g<0>'", run[0])


def _unmarked(run: re.Match[str]) -> str:
    return run[0] if _is_dash(run) else _MARK.sub(r"\1", run[0])


def _is_dash(run: re.Match[str]) -> bool:
    return _DASH.match(run.string, run.start()) is not None


def _starts_with_control(text: str) -> bool:
    """Return whether the text starts with a tab, line break or NUL, but with no formula, which has a mark anyway."""
    return _CONTROL.match(text) is not None and not _RUN.match(f",{text}")
