"""Parses XML parts with expat: streamed, without document types or entities, and with bounded memory."""

from collections.abc import Iterable, Iterator
from xml.parsers import expat  # entities need a DTD, which is refused  # nosec B407

from spreadsheets.xlsx.limits import MAX_DEPTH, MAX_NAMES, MAX_TAGS, MAX_TOKEN, Damaged, TooMuch

MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # "Strict Open XML"
)
DOCUMENT_RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
PACKAGE_RELATIONS = ("http://schemas.openxmlformats.org/package/2006/relationships",)
# Without this list, Python would look up an encoding of any name.
_ENCODINGS = (None, "utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "iso-8859-1")

Attributes = dict[str, str]


class Parser:
    """An expat parser. Subclasses override its handlers.

    `names` maps the full names of the elements that matter to short ones. What makes the parser need memory or time is
    counted and checked after each chunk.
    """

    names: dict[str, str] = {}

    def __init__(self) -> None:
        self._fed = self._namespaces = self._tags = self.depth = 0
        self._expat = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.XmlDeclHandler = _check_encoding
        parser.StartNamespaceDeclHandler = self._count_namespace
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element. Subclasses that do not call this method raise the depth themselves."""
        self.depth += 1

    def end(self, name: str) -> None:
        """Handle the end of an element. Subclasses that do not call this method lower the depth themselves."""
        self.depth -= 1

    def text(self, text: str) -> None:
        """Handle a piece of text."""

    def feed(self, chunk: bytes) -> None:
        self._fed += len(chunk)
        self._tags += chunk.count(b"<")  # faster than counting elements; never too few
        self._expat.Parse(chunk, False)
        for count, most, what in (
            (
                self._fed - self._expat.CurrentByteIndex,
                MAX_TOKEN,
                "data in one place",
            ),  # not parsed yet, but kept
            (self._tags, MAX_TAGS, "elements"),
            (self.depth, MAX_DEPTH, "levels"),
            (self._namespaces, MAX_NAMES, "namespaces"),
            (len(self._expat.intern), MAX_NAMES, "names"),
        ):
            if count > most:
                raise TooMuch(what)

    def _count_namespace(self, _prefix: str | None, _uri: str) -> None:
        self._namespaces += 1

    def steps(self, chunks: Iterable[bytes]) -> Iterator[None]:
        """Parse the part, with a pause after each chunk."""
        for chunk in chunks:
            self.feed(chunk)
            yield
        self._expat.Parse(b"", True)
        yield

    def parse(self, chunks: Iterable[bytes]) -> None:
        for _ in self.steps(chunks):
            pass


def full_names(namespaces: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Map the names as expat reports them, such as "http://… row", to the names without the namespace."""
    listed = tuple(names)
    return {f"{namespace} {name}": name for namespace in namespaces for name in listed}


def is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")


def number(value: str | None, most: int) -> int:
    """Return a whole number from 0 to `most`. Raises Damaged for anything else."""
    if value is None or not value.isascii() or not value.isdecimal() or len(value) > 10 or int(value) > most:
        raise Damaged(f"{value} is not a number up to {most}")
    return int(value)


def _refuse(*_: object) -> None:
    raise Damaged("document type")


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        raise Damaged("encoding")
