"""Takes in an uploaded file up to a maximum size, and rejects files that are neither CSV nor a workbook."""

import codecs
import hashlib
import re
from typing import BinaryIO

from spreadsheets import problem_kinds
from spreadsheets.encodings import Encoding
from spreadsheets.file_kind import FileKind
from spreadsheets.rejection import FileRejected
from wording.problems import Kind, Sentence

MEGABYTE = 1024 * 1024
MAX_BYTES = 25 * MEGABYTE
_STEP = 64 * 1024
_HEAD, _PAGE_START = 1024, 256 * 1024

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
    b"PAR1": (problem_kinds.OTHER_PROGRAM, "a Parquet file"),
    b"ARROW1": (problem_kinds.OTHER_PROGRAM, "an Arrow file"),
}
_ODS, _NUMBERS = "an OpenDocument spreadsheet (.ods)", "a Numbers document"
_JSON, _HTML_TABLE = "a JSON file", "a table in HTML"
_FROM_A_PROGRAM = "Write the table as CSV or .xlsx instead, for example with to_csv or to_excel in pandas."
_WAYS = {  # how to save such a file as one that can be read
    _ODS: "In LibreOffice choose File → Save As → Text CSV or Excel 2007–365 (.xlsx).",
    _NUMBERS: "In Numbers choose File → Export To → CSV or Excel.",
    _HTML_TABLE: "Open it in Excel or LibreOffice, then save it as CSV UTF-8 or Excel workbook (.xlsx).",
    _JSON: "Open it in Excel with Data → Get Data → From JSON, then save it as CSV UTF-8 or Excel workbook (.xlsx).",
    "a Parquet file": _FROM_A_PROGRAM,
    "an Arrow file": _FROM_A_PROGRAM,
}
# A cell of a table that holds the name of a column. The limits keep the time linear.
_TABLE = re.compile(
    rb"<t[dh]\b[^>]{0,300}>\s{0,20}(?:<[^>]{1,300}>\s{0,20}){0,4}(?:from|to)?[ _]?user[ _]?(?:id|name)\b",
    re.IGNORECASE,
)
_JSON_START = re.compile(rb'\{\s*"|\[\s*[\[{]')
_SEPARATOR_LINE = re.compile(r'"?sep=[,;\t]"?(?:\r\n|\r|\n)', re.IGNORECASE)
_BYTE_ORDER_MARKS = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)
_CHARACTER_BYTES = {"UTF-16": 2, "UTF-32": 4}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_Type = tuple[Kind, str]  # kind of problem, description of the file type
_OTHER = problem_kinds.OTHER_PROGRAM


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
    found = _zipped(data) or _ole(data) or _by_signature(head) or _markup(head.lower(), data)
    if found:
        problem_kind, what = found
        way = Sentence(_WAYS.get(what, ""))
        raise FileRejected(problem_kind(what=what, way=way, choose=kind.choose, start_again=kind.start_again))


def without_separator_line(data: bytes, encoding: Encoding) -> bytes:
    """Drop a first line such as `sep=;`, which some tools write, but keep the byte order mark.

    Excel hides this line and counts rows from the next one.
    """
    line = _SEPARATOR_LINE.match(data[:_HEAD].decode(encoding.codec, "replace"))
    if line is None:
        return data
    mark = next((mark for mark in _BYTE_ORDER_MARKS if data.startswith(mark)), b"")
    return mark + data[len(mark) + len(line[0]) * _CHARACTER_BYTES.get(encoding.name, 1) :]


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
        return _OTHER, _ODS
    if b"Index/Document.iwa" in data or b"Index.zip" in data:
        return _OTHER, _NUMBERS
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
    if _JSON_START.match(head):
        return _OTHER, _JSON
    return next((found for signature, found in _SIGNATURES.items() if head.startswith(signature)), None)


def _markup(head: bytes, data: bytes) -> _Type | None:
    """Return the type of a file that starts with a tag. `head` is its beginning in lower case."""
    is_page = head.startswith(
        (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<table", b"<meta")
    )
    if not is_page and not head.startswith((b"<?xml", b"<!--", b"<!doctype", b"<svg")):
        return None
    if is_page or b"<html" in head:
        is_table = head.startswith(b"<table") or _TABLE.search(data[:_PAGE_START])
        return (_OTHER, _HTML_TABLE) if is_table else (problem_kinds.WEB_PAGE, "")
    return problem_kinds.OTHER_TYPE, "an XML file"
