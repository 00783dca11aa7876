"""Workbooks of at most a few megabytes that unpack to far more, built without compressing all of it.

Run as a program, reads each of them and prints, as JSON, how it was refused and by how much the memory of the process
grew. The size of the process is limited, so that reading one of them as a whole ends with an error.
"""

import io
import json
import resource
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from spreadsheets.rejection import FileRejected
from tests.spreadsheets.books import HEADER, MAIN, parts, zipped
from transfers.people_csv import read

GIGABYTE = 1024**3
MEGABYTE = 1024**2
_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_STORED, _DEFLATED = 0, 8


class Member(NamedTuple):
    content: bytes
    method: int
    size: int
    crc: int


def stored(text: str | bytes) -> Member:
    content = text.encode() if isinstance(text, str) else text
    return Member(content, _STORED, len(content), zlib.crc32(content))


def repeated(before: str, unit: str, times: int, after: str = "") -> Member:
    """Return a member that unpacks to `unit` many times. Its checksum is wrong, because the end is never reached."""
    portion = unit.encode() * max(MEGABYTE // len(unit), 1)
    count = max(times * len(unit) // len(portion), 1)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(before.encode()) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(portion) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(after.encode()) + packer.flush()
    return Member(start + middle * count + end, _DEFLATED, len(portion) * count, 0)


def archive(members: Mapping[str, Member], copies: int = 1) -> bytes:
    """Return a zip file. Its directory lists each member `copies` times under other names, with the same content."""
    body, directory, count = bytearray(), bytearray(), 0
    for name, (content, method, size, crc) in members.items():
        offset, path = len(body), name.encode()
        packed = min(len(content), 2**32 - 1), min(size, 2**32 - 1)
        body += _LOCAL.pack(b"PK\x03\x04", 20, 0, method, 0, 0, crc, *packed, len(path), 0) + path + content
        for copy in range(copies):
            path = f"{copy}/{name}".encode() if copy else path
            head = b"PK\x01\x02", 20, 20, 0, method, 0, 0, crc, *packed
            directory += _ENTRY.pack(*head, len(path), 0, 0, 0, 0, 0, offset) + path
            count += 1
    end = _END.pack(b"PK\x05\x06", 0, 0, min(count, 65535), min(count, 65535), len(directory), len(body), 0)
    return bytes(body + directory + end)


def book(**changed: Member) -> bytes:
    """Return a workbook in which the named part, `sheet` or `strings`, is replaced."""
    names = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml"}
    members = {name: stored(content) for name, content in parts(strings="").items()}
    return archive(members | {names[key]: member for key, member in changed.items()})


def bombs() -> Iterator[tuple[str, str, bytes]]:
    """Yield the name of each, words of the sentence with which it is refused, and its content."""
    start = f'<worksheet xmlns="{MAIN}"><sheetData>'
    row = f'{start}{HEADER}<row r="2">'
    strings = f'<sst xmlns="{MAIN}"><si>'
    yield "blanks", "more data than", book(sheet=repeated(start, " ", GIGABYTE))
    yield "empty cells", "damaged", book(sheet=repeated(row, "<c/>", GIGABYTE // 4))
    yield "empty rows", "damaged", book(sheet=repeated(start + HEADER, "<row/>", GIGABYTE // 6))
    yield "other elements", "more elements", book(sheet=repeated(start, "<x/>", GIGABYTE // 4))
    yield "one cell", "more text in one row", book(sheet=repeated(f"{row}<c><v>", "1", GIGABYTE))
    yield "one attribute", "more data in one place", book(sheet=repeated(f'{start}<row r="', "1", GIGABYTE))
    yield "one comment", "more data in one place", book(sheet=repeated(f"{start}<!--", "x", GIGABYTE))
    yield "nested", "more levels", book(sheet=repeated(start, "<a>", GIGABYTE // 3))
    yield (
        "far columns",
        "more cells",
        book(sheet=repeated(start + HEADER, '<row><c r="XFD"><v>1</v></c></row>', GIGABYTE // 20)),
    )
    yield "one string", "more text than", book(strings=repeated(f"{strings}<t>", "x", GIGABYTE))
    yield "empty strings", "more texts", book(strings=repeated(f"{strings}</si>", "<si/>", GIGABYTE // 5))
    names = "".join(f"<x{n:05}/>" for n in range(100_000))
    yield "names", "more names", book(sheet=repeated(start, names, 3))
    prefixes = "".join(f'<x xmlns:p{n:05}="p"/>' for n in range(100_000))
    yield "prefixes", "more namespaces", book(sheet=repeated(start, prefixes, 3))
    merged = "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 150_000 + "</mergeCells>"
    yield "merged cells", "more merged cells", zipped(parts(after=merged))
    members = {name: stored(content) for name, content in parts().items()}
    yield "100,000 members", "more files", archive(members, copies=25_000)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def said(content: bytes) -> str:
    try:
        read(io.BytesIO(content))
    except FileRejected as rejected:
        return rejected.problem.sentence
    return "read"


def main() -> None:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115
    resource.setrlimit(resource.RLIMIT_AS, (used + 400 * MEGABYTE,) * 2)
    before, found = peak(), {}
    for name, words, content in bombs():
        found[name] = {"bytes": len(content), "words": words, "said": said(content), "grown": peak() - before}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
