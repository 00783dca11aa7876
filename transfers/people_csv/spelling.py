"""Decide whether a text in a file can be a spelling of a known text, such as a user's name, in any script.

Two spellings are the same if they fold to the same text. A code page that lacks a letter turns it into `?`, `_` or a
plain letter (Ő becomes O); `fits` knows which letters a code page lacks. See docs/decisions/identity-of-rows.md.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from wording.normal_form import normalized

ASCII = "ascii"
# The code pages in which spreadsheets save: of Windows, DOS, the Mac and Unix. ASCII has the same bytes in all.
# UTF-8 stands for files of which only a part is UTF-8.
CODE_PAGES = (
    *("utf-8", *(f"cp{number}" for number in (*range(1250, 1259), 874, 932, 949, 950))),
    *("gbk", "gb18030", "big5hkscs", "euc_jp"),
    *(
        f"cp{number}"
        for number in (437, 720, 737, 775, 850, 852, 855, 857, 858, *range(860, 864), 865, 866, 869)
    ),
    *(
        f"mac_{name}"
        for name in ("roman", "latin2", "cyrillic", "greek", "turkish", "croatian", "romanian", "iceland")
    ),
    *(f"iso8859_{number}" for number in (*range(2, 11), *range(13, 17))),
    *("mac_arabic", "mac_farsi", "koi8_r", "koi8_u", "koi8_t", "kz1048", "ptcp154"),
)

_APOSTROPHES = "'`´\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u2018\u2019\u201a\u201b\u2032\u2035\ua78b\ua78c"
_UNSEEN = ("Cc", "Cf")  # categories of controls and format characters, such as direction marks and joiners
_LOST = "?_"  # what programs write for a letter that the code page lacks
_UNREADABLE = "\ufffd"
# Plain letters for letters that Unicode does not decompose, and second spellings. Windows writes the Greek ones.
_PLAIN = {
    "ß": ("ss", "s"), "ẞ": ("ss", "s"), "þ": ("th",), "ð": ("d",), "ŋ": ("n",), "ə": ("e",), "ĸ": ("k",),
    "ä": ("ae",), "ö": ("oe",), "ü": ("ue",), "ø": ("oe",), "å": ("aa",), "đ": ("dj",),
    "γ": ("g",), "θ": ("t",), "σ": ("s",), "φ": ("f",), "ω": ("o",), "α": ("a",), "δ": ("d",), "ε": ("e",),
    "π": ("p",), "τ": ("t",),
}  # fmt: skip


class _Folding(dict[int, str | None]):
    """A table for `str.translate`, filled in as characters occur."""

    def __missing__(self, code: int) -> str | None:
        self[code] = folded = _folded(chr(code))
        return folded


def _folded(char: str) -> str | None:
    category = unicodedata.category(char)
    if char in _APOSTROPHES:
        return "'"
    if category == "Pd" or char == "\u2212":
        return "-"
    if category in ("Zs", "Zl", "Zp") or char in "\t\r\n":
        return " "
    if category in _UNSEEN or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return None
    return {"ı": "i"}.get(char, char)


_FOLDING = _Folding()
_NAME_FOLDING = str.maketrans("", "", " -'")


def fold(text: str) -> str:
    """Return the text without differences of case, width and normal form, and without unseen characters.

    The Turkish letters İ and ı fold to i. Apostrophes of any kind become one, and so do hyphens and spaces.
    """
    if text.isascii() and text.isprintable():
        return text.replace("`", "'").lower().strip()
    return _fold(text).strip()


def _fold(text: str) -> str:
    text = normalized("NFKC", normalized("NFKC", text).casefold())
    return text.translate(_FOLDING).replace("i\u0307", "i")


def fold_name(text: str) -> str:
    """Fold the text, and leave out apostrophes, hyphens and spaces: people write names with and without them."""
    return fold(text).translate(_NAME_FOLDING)


# --- Code pages ------------------------------------------------------------------------------------------------------


def fits(found: str, known: str, page: str, *, name: bool) -> bool:
    """Return whether `known` can become `found`, a folded text, in a code page that lacks some of its letters.

    name: both are names, so that apostrophes, hyphens and spaces do not count.
    """
    composed = normalized("NFC", known)
    return any(
        _can_become(found, (_spellings(char, page, name) for char in text))
        for text in {composed, known}
        if not _encodable(text, page)
    )


Spellings = tuple[tuple[str, ...], int]


@lru_cache(maxsize=20_000)
def _spellings(char: str, page: str, name: bool) -> Spellings:
    """Return the folded texts that the character can become, and how many `?` it can become at most."""
    folded = fold_name(char) if name else _fold(char)
    if _encodable(char, page):
        return (folded,), 0
    units = 2 if char > "\uffff" else 1  # Windows counts in UTF-16 units
    return tuple(dict.fromkeys((folded, *_plain(char)))), units


def _encodable(text: str, page: str) -> bool:
    try:
        text.encode(page)
    except UnicodeEncodeError:
        return False
    return True


def _plain(char: str) -> Iterator[str]:
    """Yield the letter without marks, with each of its marks alone, and other plain spellings."""
    letter = char.lower()
    yield from _PLAIN.get(letter, ())
    decomposed = normalized("NFKD", letter)
    base, marks = decomposed[0], [mark for mark in decomposed[1:] if _is_mark(mark)]
    if _is_mark(base):
        yield ""
    if marks:
        yield from (fold(base), *(fold(base + mark) for mark in marks))
    words = unicodedata.name(letter[0], "").split(" WITH ")[0].split()
    if words[:3] == ["LATIN", "SMALL", "LETTER"] and len(words[-1]) <= 2:  # ø is O WITH STROKE, æ is AE
        yield words[-1].lower()


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _can_become(found: str, spellings: Iterable[Spellings]) -> bool:
    """Return whether the spellings, joined, can give `found`. The bits of `places` are the positions reached in it."""
    at: dict[str, int] = {}
    for place, char in enumerate(found):
        at[char] = at.get(char, 0) | 1 << place
    lost = sum(at.get(char, 0) for char in _LOST)
    unreadable = at.get(_UNREADABLE, 0)
    places = 1
    for texts, units in spellings:
        reached = 0
        for text in texts:
            reached |= _after(text, places, at)
        if units:
            one = (places & lost) << 1
            reached |= one | ((one & lost) << 1 if units > 1 else 0)
            # an unreadable character may stand for several letters, and several of them for one
            reached |= places & unreadable | _skip((places & unreadable) << 1, unreadable)
        places = reached
        if not places:
            return False
    return bool(places >> len(found) & 1)


def _after(text: str, places: int, at: dict[str, int]) -> int:
    for char in text:
        places = (places & at.get(char, 0)) << 1
    return places


def _skip(places: int, unreadable: int) -> int:
    while (further := places | (places & unreadable) << 1) != places:
        places = further
    return places
