"""Reads the text of a cell that a tool wrote as a formula."""

import re

_FORCED = re.compile(r'=\s*"((?:[^"]|"")*)"', re.DOTALL)


def forced_text(cell: str) -> str | None:
    """Return the text in a cell such as `="00123"`, or None. Tools write it so that spreadsheets keep the zeros."""
    if cell[:1] != "=":
        return None
    match = _FORCED.fullmatch(cell.rstrip())
    return match[1].replace('""', '"') if match else None
