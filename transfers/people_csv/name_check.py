"""Check that the name beside an ID fits the user: the guard against sheets in which one column was sorted alone.

Only ASCII letters are compared, because the file may have been saved in a code page that lacks the others. Excel writes
`_` or `?` for those, or the plain letter (Ő becomes O).
"""

import re
import unicodedata

_LONGEST = 300
_ANY, _ACCENTED = "?", "*"


def names_agree(file_first: str, file_last: str, first: str, last: str) -> bool:
    """False only if a name in the file cannot be another spelling of the user's. Blank agrees with all."""
    return _agree(file_first, first) and _agree(file_last, last)


def _agree(in_file: str, known: str) -> bool:
    if not in_file.strip():
        return True
    found, expected = _letters(in_file, wild=True), _letters(known, wild=False)
    return found == expected or _fits(found, expected)


def _letters(text: str, *, wild: bool) -> str:
    """Reduce to ASCII letters in lower case. In the file, `?` and `_` match anything; in the known name an accented
    Latin letter is marked, since a code page may turn it into one or two plain ones."""
    composed = unicodedata.normalize("NFC", text[:_LONGEST]).lower()
    if wild:
        return re.sub(r"\?+", _ANY, re.sub(r"[^a-z?]", "", composed.replace("_", _ANY)))
    return "".join(_known_letter(char) for char in composed)


def _known_letter(char: str) -> str:
    if "a" <= char <= "z":
        return char
    return _ACCENTED if char.isalpha() and unicodedata.name(char, "").startswith("LATIN") else ""


def _fits(found: str, expected: str) -> bool:
    """Match letter by letter. The positions reached in the file's name are a set, kept as the bits of one int."""
    at = {letter: _bits(found, letter) for letter in {*found, *expected, _ANY}}
    places = _skip(1, at[_ANY])
    for letter in expected:
        stay = places & at[_ANY]
        moved = places | places << 1 | places << 2 if letter == _ACCENTED else (places & at[letter]) << 1
        places = _skip(stay | moved, at[_ANY])
    return bool(places >> len(found) & 1)


def _bits(found: str, letter: str) -> int:
    return sum(1 << place for place, char in enumerate(found) if char == letter)


def _skip(places: int, wild: int) -> int:
    """Let a wildcard match nothing as well; there are never two in a row."""
    return places | (places & wild) << 1
