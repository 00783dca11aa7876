"""Makes user-supplied text, such as names, safe to display.

Replaces invisible characters and characters that reorder their neighbours, and isolates right-to-left text.
"""

import unicodedata

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
JOINERS = "\u200c\u200d"  # needed to write Persian, Hindi and emoji; they cannot reorder text
RIGHT_TO_LEFT = ("R", "AL", "AN")


def safe(text: str) -> str:
    """Return text of others so that it neither hides nor reorders the text around it."""
    return isolated(visible(text))


def visible(text: str) -> str:
    """Return the text on one line, with "�" for each character that is invisible or reorders its neighbours."""
    return text if text.isascii() and text.isprintable() else "".join(map(visible_character, text))


def prose(sentence: str) -> str:
    """Return a sentence on one line, as it looks, so that no name in it ends a comment or a docstring."""
    return " ".join(visible(sentence).split())


def visible_character(char: str) -> str:
    if char.isspace():
        return " "
    return "\ufffd" if hides(char) else char


def hides(char: str) -> bool:
    """Return whether the character is invisible and so can make two texts look the same, or reorders its neighbours."""
    return char not in JOINERS and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn")


def isolated(text: str) -> str:
    """Isolate right-to-left text, which would otherwise reorder its neighbours; return other text unchanged.

    Between two Hebrew names, for example, "(18) →" would be shown from right to left.
    """
    if any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in text):
        return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
    return text
