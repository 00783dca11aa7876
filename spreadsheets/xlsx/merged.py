"""Finds merged cells. A sheet lists them after its rows, so it is parsed once before the rows are read."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from spreadsheets.xlsx.cells import column_of
from spreadsheets.xlsx.limits import LAST_COLUMN, LAST_ROW, MAX_MERGED, Damaged, TooMuch
from spreadsheets.xlsx.package import Package
from spreadsheets.xlsx.xml import MAIN, Attributes, Parser, full_names, number

_NAME = b"mergeCell"
_SPELLINGS = (_NAME, b"\0".join(bytes([letter]) for letter in _NAME))  # in UTF-8 and in either UTF-16
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


def merged_cells(package: Package, part: str, columns: Collection[int]) -> Mapping[int, bytearray]:
    """Return, for each of the columns with merged cells, a 1 for each row in which its cell is merged with others."""
    if not _may_have_any(package.read(part)):
        return {}
    parser = _MergedParser(columns)
    parser.parse(package.read(part))
    return {column: _painted(ranges) for column, ranges in parser.ranges.items()}


def _painted(ranges: list[tuple[int, int]]) -> bytearray:
    rows, done = bytearray(LAST_ROW + 1), 0
    for top, bottom in sorted(ranges):  # each row is written once, however many ranges overlap
        top = max(top, done)
        rows[top : bottom + 1] = b"\1" * max(bottom + 1 - top, 0)
        done = max(done, bottom + 1)
    return rows


def _may_have_any(chunks: Iterable[bytes]) -> bool:
    """Return whether the sheet may list merged cells: its bytes contain the name of the element, in any encoding.

    Most sheets list none, and this search takes a tenth of the time of parsing.
    """
    last = b""
    for chunk in chunks:
        if any(name in last + chunk for name in _SPELLINGS):
            return True
        last = chunk[-len(_SPELLINGS[-1]) :]
    return False


class _MergedParser(Parser):
    names = full_names(MAIN, ["mergeCell"])

    def __init__(self, columns: Collection[int]) -> None:
        super().__init__()
        self._expat.CharacterDataHandler = None
        self.ranges: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._columns = columns
        self._count = 0

    def start(self, name: str, attributes: Attributes) -> None:
        super().start(name, attributes)
        if name not in self.names:
            return
        match = _RANGE.fullmatch(attributes.get("ref", ""))
        if match is None:
            raise Damaged("merged cells")
        left, right = column_of(match[1]), column_of(match[3])
        top, bottom = number(match[2], LAST_ROW), number(match[4], LAST_ROW)
        if not left <= right < LAST_COLUMN or not 0 < top <= bottom:
            raise Damaged("merged cells")
        self._count += 1
        if self._count > MAX_MERGED:
            raise TooMuch("merged cells")
        for column in self._columns:
            if left <= column <= right:
                self.ranges[column].append((top, bottom))
