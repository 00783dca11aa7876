"""Reads the shared strings of a workbook, to which its cells refer by position."""

import re

from spreadsheets.xlsx.limits import MAX_STRINGS, MAX_TEXT, TooMuch
from spreadsheets.xlsx.xml import MAIN, Attributes, Parser, full_names

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class StringsParser(Parser):
    """After parsing, `strings` holds the texts. Rich text is joined, and phonetic guides (`rPh`) are left out."""

    names = full_names(MAIN, ["si", "t", "rPh"])

    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []
        self._pieces: list[str] = []
        self._takes_text = self._is_phonetic = False
        self._total = 0

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        short = self.names.get(name)
        if short == "t":
            self._takes_text = not self._is_phonetic
        elif short == "si":
            self._pieces = []
        elif short == "rPh":
            self._is_phonetic = True

    def end(self, name: str) -> None:
        self.depth -= 1
        short = self.names.get(name)
        if short == "t":
            self._takes_text = False
        elif short == "si":
            self._add(unescaped("".join(self._pieces)))
        elif short == "rPh":
            self._is_phonetic = False

    def text(self, text: str) -> None:
        if self._takes_text:
            self._pieces.append(text)
            self._total += len(text)
            if self._total > MAX_TEXT:
                raise TooMuch("text")

    def _add(self, text: str) -> None:
        if len(self.strings) >= MAX_STRINGS:
            raise TooMuch("texts")
        self.strings.append(text)


def unescaped(text: str) -> str:
    """Decode characters that XML cannot hold, which Excel writes as _x000D_.

    Halves of surrogate pairs are joined; a single half becomes U+FFFD, because it cannot be stored.
    """
    if "_x" not in text:
        return text
    decoded = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
