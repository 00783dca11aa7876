"""Text that people chose, such as names, as it may stand among other words: nothing is hidden in it, and nothing turns
what stands around it to the other side. Pure text, no database."""

import unicodedata

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
JOINERS = "\u200c\u200d"  # part of correct Persian, Hindi and emoji; they cannot reorder text
RIGHT_TO_LEFT = ("R", "AL", "AN")


def visible(text: str) -> str:
    """On one line, with "�" for each character that hides or reorders others."""
    return text if text.isascii() and text.isprintable() else "".join(map(visible_character, text))


def visible_character(char: str) -> str:
    if char.isspace():
        return " "
    return "\ufffd" if hides(char) else char


def hides(char: str) -> bool:
    """It cannot be seen itself, and may make two texts look the same or turn what stands around it."""
    return char not in JOINERS and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn")


def isolated(text: str) -> str:
    """Right-to-left text must not pull what comes after it to the wrong side: between two Hebrew names "(18) →" would
    be read from the other end. Other text stays as it is."""
    if any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in text):
        return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
    return text
