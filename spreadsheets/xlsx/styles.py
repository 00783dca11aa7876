"""Finds the cell formats that show a number as a date or a time."""

import re

from spreadsheets.xlsx.limits import MAX_STYLES, TooMuch
from spreadsheets.xlsx.xml import MAIN, Attributes, Parser, full_names, number

_BUILT_IN = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
# Parts of a number format that are not codes: quoted text, escaped and repeated characters, colours and conditions.
_NO_CODES = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
_MOST = 2**32 - 1


class StylesParser(Parser):
    """Reads the number formats and, by position, the cell formats that use them."""

    names = full_names(MAIN, ["numFmt", "cellXfs", "xf"])

    def __init__(self) -> None:
        super().__init__()
        self._custom: dict[int, bool] = {}  # whether a custom number format shows a date
        self._formats: list[int] = []  # the number format of each cell format
        self._in_cell_formats = False

    def is_date(self, position: str) -> bool:
        """Return whether cells with this format show their number as a date or a time."""
        key = self._formats[number(position, len(self._formats) - 1)]
        return self._custom.get(key, key in _BUILT_IN)

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        match self.names.get(name):
            case "cellXfs":
                self._in_cell_formats = True
            case "numFmt":
                key = number(attributes.get("numFmtId"), _MOST)
                self._custom[key] = is_date_format(attributes.get("formatCode", ""))
            case "xf" if self._in_cell_formats:
                self._formats.append(number(attributes.get("numFmtId", "0"), _MOST))
        if len(self._custom) > MAX_STYLES or len(self._formats) > MAX_STYLES:
            raise TooMuch("cell formats")

    def end(self, name: str) -> None:
        super().end(name)
        if self.names.get(name) == "cellXfs":
            self._in_cell_formats = False


def is_date_format(code: str) -> bool:
    """Return whether the number format contains a code for years, months, days, hours, minutes or seconds."""
    return re.search(r"[ymdhs]", _NO_CODES.sub("", code), re.IGNORECASE) is not None
