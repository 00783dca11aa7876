"""Takes in an uploaded file up to a maximum size, and rejects files that are neither CSV nor a workbook."""

import hashlib
import re
from typing import BinaryIO

from spreadsheets import problem_kinds
from spreadsheets.file_kind import FileKind
from spreadsheets.rejection import FileRejected
from wording.problems import Kind

MEGABYTE = 1024 * 1024
MAX_BYTES = 25 * MEGABYTE
_STEP = 64 * 1024
_HEAD = 1024

_SIGNATURES = {
    b"\x1f\x8b": (problem_kinds.ARCHIVE, "a gz archive"),
    b"BZh": (problem_kinds.ARCHIVE, "a bz2 archive"),
    b"\xfd7zXZ\x00": (problem_kinds.ARCHIVE, "an xz archive"),
    b"7z\xbc\xaf\x27\x1c": (problem_kinds.ARCHIVE, "a 7z archive"),
    b"Rar!\x1a\x07": (problem_kinds.ARCHIVE, "a rar archive"),
    b"(\xb5/\xfd": (problem_kinds.ARCHIVE, "a zstd archive"),
    b"%PDF": (problem_kinds.OTHER_TYPE, "a PDF file"),
    b"\x89PNG": (problem_kinds.OTHER_TYPE, "a PNG image"),
    b"\xff\xd8\xff": (problem_kinds.OTHER_TYPE, "a JPEG image"),
    b"GIF8": (problem_kinds.OTHER_TYPE, "a GIF image"),
    b"{\\rtf": (problem_kinds.OTHER_TYPE, "an RTF document"),
    b"SQLite format 3": (problem_kinds.OTHER_TYPE, "a database file"),
}
_SEPARATOR_LINE = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=[,;\t]"?(?:\r\n|\r|\n)', re.IGNORECASE)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_Type = tuple[Kind, str]  # kind of problem, description of the file type


def take_in(stream: BinaryIO, kind: FileKind) -> tuple[bytes, str]:
    """Return all bytes and their SHA-256 in hex. Raises FileRejected as soon as there are more than MAX_BYTES."""
    digest, chunks, size = hashlib.sha256(), [], 0
    while chunk := stream.read(_STEP):
        size += len(chunk)
        if size > MAX_BYTES:
            raise FileRejected(
                problem_kinds.TOO_LARGE(limit=MAX_BYTES // MEGABYTE, name=kind.name, choose=kind.choose)
            )
        digest.update(chunk)
        chunks.append(chunk)
    return b"".join(chunks), digest.hexdigest()


def refuse_other_types(data: bytes, kind: FileKind) -> None:
    """Raise FileRejected if the file is empty or recognizably neither a CSV file nor a workbook.

    The type is recognized by the first bytes, not by the file name.
    """
    if not data:
        raise FileRejected(problem_kinds.EMPTY_FILE(start_again=kind.start_again))
    head = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    found = _zipped(data) or _ole(data) or _by_signature(head) or _markup(head.lower())
    if found:
        problem_kind, what = found
        raise FileRejected(problem_kind(what=what, choose=kind.choose, start_again=kind.start_again))


def without_separator_line(data: bytes) -> bytes:
    """Drop a first line such as `sep=;`, which some tools write.

    Excel hides this line and counts rows from the next one.
    """
    match = _SEPARATOR_LINE.match(data)
    return data[match.end() :] if match else data


def is_workbook(data: bytes) -> bool:
    """Return whether the file may be an Excel workbook: a zip file with its parts. Opening it finds out."""
    return data.startswith(_ZIP) and _zipped(data) is None


def _zipped(data: bytes) -> _Type | None:
    """Return the type of a zip file, recognized by its member names, which zip files store uncompressed.

    None is returned for other files and for workbooks.
    """
    if not data.startswith(_ZIP):
        return None
    if b"application/vnd.oasis.opendocument.spreadsheet" in data[:_HEAD]:
        return problem_kinds.OTHER_TYPE, "an OpenDocument spreadsheet (.ods)"
    if b"Index/Document.iwa" in data or b"Index.zip" in data:
        return problem_kinds.OTHER_TYPE, "a Numbers document"
    if b"word/document.xml" in data:
        return problem_kinds.OTHER_TYPE, "a Word document"
    if b"xl/" in data or b"[Content_Types].xml" in data:
        return None
    return problem_kinds.ARCHIVE, "a zip archive"


def _ole(data: bytes) -> _Type | None:
    """Return the type of a file in the container format of old Office files and of those with a password."""
    if not data.startswith(_OLE):
        return None
    has_password = "EncryptedPackage".encode("utf-16-le") in data
    return (problem_kinds.WORKBOOK_WITH_PASSWORD if has_password else problem_kinds.OLD_EXCEL), ""


def _by_signature(head: bytes) -> _Type | None:
    return next((found for signature, found in _SIGNATURES.items() if head.startswith(signature)), None)


def _markup(head: bytes) -> _Type | None:
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return problem_kinds.WEB_PAGE, ""
    if not head.startswith((b"<?xml", b"<!--", b"<!doctype", b"<svg")):
        return None
    return (problem_kinds.WEB_PAGE, "") if b"<html" in head else (problem_kinds.OTHER_TYPE, "an XML file")
