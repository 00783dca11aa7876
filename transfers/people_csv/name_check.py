"""Check that the name next to an ID belongs to the user, to detect sheets in which one column was sorted separately.

Only ASCII letters are compared, because the file may have been saved in a code page that lacks other letters. Excel
replaces those with `_`, `?` or the plain letter (Ő becomes O).
"""

import re
import unicodedata

_LONGEST = 300
_ANY, _ACCENTED = "?", "*"


def names_agree(file_first: str, file_last: str, first: str, last: str) -> bool:
    """Return False only if a name in the file cannot be a spelling of the user's name. A blank name always agrees."""
    return _agree(file_first, first) and _agree(file_last, last)


def _agree(in_file: str, known: str) -> bool:
    if not in_file.strip():
        return True
    found, expected = _letters(in_file, wild=True), _letters(known, wild=False)
    return found == expected or _fits(found, expected)


def _letters(text: str, *, wild: bool) -> str:
    """Reduce a name to lower-case ASCII letters and placeholders.

    wild: the name is from the file, and each run of `?` and `_` becomes the wildcard `?`. Otherwise it is the user's
    name, and each non-ASCII Latin letter becomes `*`, because a code page may turn it into one or two plain letters.
    """
    composed = unicodedata.normalize("NFC", text[:_LONGEST]).lower()
    if wild:
        return re.sub(r"\?+", _ANY, re.sub(r"[^a-z?]", "", composed.replace("_", _ANY)))
    return "".join(_known_letter(char) for char in composed)


def _known_letter(char: str) -> str:
    if "a" <= char <= "z":
        return char
    return _ACCENTED if char.isalpha() and unicodedata.name(char, "").startswith("LATIN") else ""


def _fits(found: str, expected: str) -> bool:
    """Return whether the names match, letter by letter. The bits of `places` are the positions reached in `found`."""
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
    """Return `places` and the position after each wildcard in it, because a wildcard can also match no letter.

    One step is enough, because two wildcards are never adjacent.
    """
    return places | (places & wild) << 1
