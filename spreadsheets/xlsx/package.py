"""Opens the zip file that a workbook is, and unpacks the parts that are asked for, in portions."""

import io
import zipfile
from collections.abc import Iterator
from posixpath import join, normpath
from urllib.parse import unquote

from spreadsheets.xlsx.limits import MAX_MEMBERS, MAX_PART, MAX_UNPACKED, Damaged, TooMuch

_STEP = 64 * 1024
_ENTRY = b"PK\x01\x02"  # starts each entry of the zip file's directory
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """The parts of a workbook by name. Counts unpacked bytes over all parts, so that no zip file can expand further.

    Part names are compared without case. A name that occurs twice cannot be read, because programs differ in which of
    the two they show.
    """

    def __init__(self, data: bytes) -> None:
        if data.count(_ENTRY) > MAX_MEMBERS:  # counted before `zipfile` makes an object of each entry
            raise TooMuch("files")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._parts: dict[str, zipfile.ZipInfo | None] = {}
        for info in self._zip.infolist():
            name = info.filename.lstrip("/").casefold()
            self._parts[name] = None if name in self._parts else info
        self._left = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._parts

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part. Raises Damaged if it is missing, ambiguous, encrypted or oddly compressed."""
        info = self._parts.get(name.casefold())
        if info is None or info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise Damaged(name)
        most = self._left - MAX_PART
        with self._zip.open(info) as part:
            while chunk := part.read(_STEP):
                self._left -= len(chunk)
                if self._left < max(most, 0):
                    raise TooMuch("data")
                yield chunk


def resolve(source: str, target: str) -> str:
    """Return the name of the part that a relationship of the part `source` points to."""
    target = unquote(target).replace("\\", "/")
    if target.startswith("/"):
        return normpath(target).lstrip("/")
    return normpath(join(source.rpartition("/")[0], target))
