"""Taking the bytes in: never more than the limit, and nothing that is plainly another kind of file."""

import hashlib
import re
from typing import BinaryIO

from transfers.people_csv import kinds
from transfers.people_csv.rejection import FileRejected
from transfers.problems import Problem

MEGABYTE = 1024 * 1024
MAX_BYTES = 25 * MEGABYTE
_STEP = 64 * 1024
_HEAD = 1024

_ARCHIVES = {
    b"\x1f\x8b": "gz archive",
    b"BZh": "bz2 archive",
    b"\xfd7zXZ\x00": "xz archive",
    b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"Rar!\x1a\x07": "rar archive",
    b"(\xb5/\xfd": "zstd archive",
}
_OTHERS = {
    b"%PDF": "a PDF file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"{\\rtf": "an RTF document",
    b"SQLite format 3": "a database file",
}
_SEPARATOR_LINE = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=[,;\t]"?(?:\r\n|\r|\n)', re.IGNORECASE)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def take_in(stream: BinaryIO) -> tuple[bytes, str]:
    """All bytes and their SHA-256 in hex. Stops reading at the limit: FileRejected."""
    digest, chunks, size = hashlib.sha256(), [], 0
    while chunk := stream.read(_STEP):
        size += len(chunk)
        if size > MAX_BYTES:
            raise FileRejected(kinds.TOO_LARGE(limit=MAX_BYTES // MEGABYTE))
        digest.update(chunk)
        chunks.append(chunk)
    return b"".join(chunks), digest.hexdigest()


def refuse_other_types(data: bytes) -> None:
    """FileRejected if the bytes are empty or another type of file, by its signature, whatever its name."""
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    problem = _office(data) or _by_signature(head) or _markup(head.lower())
    if problem is None and not data:
        problem = kinds.EMPTY_FILE()
    if problem is not None:
        raise FileRejected(problem)


def without_separator_line(data: bytes) -> bytes:
    """Without the line ``sep=;`` that some tools put first for Excel, which hides it and counts rows after it."""
    match = _SEPARATOR_LINE.match(data)
    return data[match.end() :] if match else data


def _office(data: bytes) -> Problem | None:
    if data.startswith(_OLD_OFFICE):
        return kinds.OLD_EXCEL()
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    return None


def _zipped(data: bytes) -> Problem:
    """The names of the members stand in the bytes as they are, so nothing has to be unpacked."""
    if b"application/vnd.oasis.opendocument.spreadsheet" in data[:_HEAD]:
        return kinds.OTHER_TYPE(what="an OpenDocument spreadsheet (.ods)")
    if b"xl/workbook" in data:
        return kinds.EXCEL_WORKBOOK()
    if b"Index/Document.iwa" in data or b"Index.zip" in data:
        return kinds.OTHER_TYPE(what="a Numbers document")
    if b"word/document.xml" in data:
        return kinds.OTHER_TYPE(what="a Word document")
    return kinds.ARCHIVE(what="zip")


def _by_signature(head: bytes) -> Problem | None:
    for signature, what in _ARCHIVES.items():
        if head.startswith(signature):
            return kinds.ARCHIVE(what=what)
    for signature, what in _OTHERS.items():
        if head.startswith(signature):
            return kinds.OTHER_TYPE(what=what)
    return None


def _markup(head: bytes) -> Problem | None:
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return kinds.WEB_PAGE()
    if not head.startswith((b"<?xml", b"<!--", b"<!doctype", b"<svg")):
        return None
    return kinds.WEB_PAGE() if b"<html" in head else kinds.OTHER_TYPE(what="an XML file")
