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


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text encoding. `name` is shown to users; `codec` and `errors` are passed to Python's decoder.

    If `lossy` is True, non-ASCII characters may be decoded wrongly.
    """

    name: str
    codec: str
    errors: str = "strict"
    lossy: bool = False


WORKBOOK = Encoding("an Excel workbook", "utf-8")  # the text of a workbook is always Unicode


def find_encoding(data: bytes) -> Encoding:
    for mark, name, codec in _MARKS:
        if data.startswith(mark):
            return Encoding(name, codec)
    if (codec_without_mark := _utf16_without_mark(data[:4])) is not None:
        return Encoding("UTF-16", codec_without_mark)
    if _is_utf8(data):
        return Encoding("UTF-8", "utf-8-sig")
    if data.startswith(codecs.BOM_UTF8):
        return Encoding("UTF-8", "utf-8-sig", errors="replace", lossy=True)
    # Windows-1252 and Mac Roman cannot be told apart. This does not matter, because they encode digits and separators
    # in the same way.
    return Encoding("Windows-1252", "cp1252", errors="replace", lossy=True)


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
