"""Detects the encoding of a file by byte order mark and strict decoding.

Statistical detection is not used, because it is unreliable for short files.
"""

import codecs
from dataclasses import dataclass

_MARKS = (  # the UTF-32 mark begins with the UTF-16 mark, so UTF-32 is tried first
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
)
_STEP = 1 << 20
_AS_CONTROL = "spreadsheets.as-control"  # the name of an error handler of codecs
_UNDEFINED = "\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text encoding. `name` is shown to users; `codec` and `errors` are passed to Python's decoder.

    If `lossy` is True, non-ASCII characters may be decoded wrongly. If `code_page` is True, the file may have been
    saved in any code page, which may have lacked letters; `undecoded` then restores the bytes of a text. A file that
    contains only ASCII looks the same in Unicode and in any code page.
    """

    name: str
    codec: str
    errors: str = "strict"
    lossy: bool = False
    code_page: bool = False


WORKBOOK = Encoding("an Excel workbook", "utf-8")  # the text of a workbook is always Unicode


def find_encoding(data: bytes) -> Encoding:
    for mark, name, codec in _MARKS:
        if data.startswith(mark):
            return Encoding(name, codec)
    if (codec_without_mark := _utf16_without_mark(data[:4])) is not None:
        return Encoding("UTF-16", codec_without_mark)
    if _is_utf8(data):
        return Encoding("UTF-8", "utf-8-sig", code_page=data.isascii())
    if data.startswith(codecs.BOM_UTF8):
        return Encoding("UTF-8", "utf-8-sig", errors="replace", lossy=True)
    # Windows-1252 and Mac Roman cannot be told apart. This does not matter, because they encode digits and separators
    # in the same way.
    return Encoding("Windows-1252", "cp1252", errors=_AS_CONTROL, lossy=True, code_page=True)


def undecoded(text: str) -> bytes:
    """Return the bytes of a text that was decoded as Windows-1252. Characters that it cannot contain become "?"."""
    try:
        return text.encode("cp1252", _AS_CONTROL)
    except UnicodeEncodeError:
        return text.encode("cp1252", "replace")


def _as_control(error: UnicodeError) -> tuple[str | bytes, int]:
    """Map the five bytes without a character in Windows-1252 to the control characters of the same number, and back.

    The WHATWG encoding standard does the same. No two byte strings give the same text.
    """
    if isinstance(error, UnicodeDecodeError):
        return error.object[error.start : error.end].decode("latin-1"), error.end
    if isinstance(error, UnicodeEncodeError):
        chars = error.object[error.start : error.end]
        if all(char in _UNDEFINED for char in chars):
            return chars.encode("latin-1"), error.end
    raise error


codecs.register_error(_AS_CONTROL, _as_control)


def _utf16_without_mark(start: bytes) -> str | None:
    """Return the UTF-16 codec if the four bytes are two ASCII characters of two bytes each, else None."""
    zeros = [byte == 0 for byte in start]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else None


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _STEP):
            decoder.decode(view[start : start + _STEP])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
