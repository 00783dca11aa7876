"""Compare the texts of a row with those of the user whose ID is beside them, in Unicode or in an unknown code page."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto

from spreadsheets.encodings import undecoded
from transfers.people_csv import IDENTITY
from transfers.people_csv.spelling import ASCII, fits, fold, fold_name
from transfers.validation.candidates import CandidateRow
from transfers.validation.facts import UserFacts

EMPLOYEE_ID = "employee_id"
NAMES, KEYS = ("first_name", "last_name"), ("user_name", "email")
FIELDS = tuple(IDENTITY.values())
# What programs write into empty cells. A user may have such a name, so these count as blank only if they do not fit.
NO_VALUE = frozenset({"null", "(null)", "na", "n/a", "nan", "none", "nil", "\\n", "<na>", "#n/a"})
# A text that is longer than four times the known one and this is not compared, because comparing long texts is slow.
LONGER = 16


class Match(Enum):
    """How a text in the file compares with the user's. CLOSE: letters were replaced, or the names are swapped."""

    BLANK = auto()
    SAME = auto()
    CLOSE = auto()
    OTHER = auto()


Matches = dict[str, Match]
Texts = Mapping[str, str]


def known_text(user: UserFacts, field: str) -> str:
    text: str = getattr(user, "username" if field == "user_name" else field)
    return text


def compare(row: CandidateRow, user: UserFacts, pages: list[str]) -> Matches:
    """Return how each text of the row compares with the user's.

    pages: the code pages to try if that of the file is unknown. The one that fits is moved to the front, because all
    rows of a file have the same one.
    """
    texts = {field: getattr(row, field) for field in FIELDS}
    known = {field: known_text(user, field) for field in FIELDS}
    if not row.code_page:
        return compare_in(None, texts, known)
    encoded = encoded_fields(texts)
    plain = {field: text for field, text in texts.items() if field not in encoded}
    matches = dict.fromkeys(FIELDS, Match.BLANK) | compare_in(ASCII, plain, known)
    if any(matches[key] is Match.OTHER for key in KEYS):  # it decides, so the names need not be read
        encoded -= {*NAMES}
    if encoded:
        matches |= compare_encoded({field: undecoded(texts[field]) for field in encoded}, known, pages)
    return matches


def encoded_fields(texts: Texts) -> set[str]:
    """Return the fields that depend on the code page. If one of the names does, both are read in the same one."""
    encoded = {field for field, text in texts.items() if not text.isascii()}
    return encoded if encoded.isdisjoint(NAMES) else encoded | {*NAMES}


def compare_encoded(encoded: Mapping[str, bytes], known: Texts, pages: list[str]) -> Matches:
    """Return the matches in the first page in which all texts fit, or else in the one in which most do."""
    best = dict.fromkeys(encoded, Match.OTHER)
    for page in pages:
        try:
            texts = {field: text.decode(page) for field, text in encoded.items()}
        except UnicodeDecodeError:  # bytes that this code page does not use
            continue
        matches = compare_in(page, texts, known)
        if misfits(matches) == 0:
            pages.remove(page)
            pages.insert(0, page)
            return matches
        best = min(best, matches, key=misfits)
    return best


def misfits(matches: Matches) -> int:
    return sum(match is Match.OTHER for match in matches.values())


def compare_in(page: str | None, texts: Texts, known: Texts) -> Matches:
    """Compare the texts, which were read in the code page `page`, or None if the file is Unicode."""
    matches = {field: compare_text(page, field, text, known[field]) for field, text in texts.items()}
    if Match.OTHER in (matches.get(name) for name in NAMES) and are_swapped(page, texts, known):
        matches |= dict.fromkeys(NAMES, Match.CLOSE)
    return matches


def are_swapped(page: str | None, texts: Texts, known: Texts) -> bool:
    """Return whether the last name is in the column of the first name and vice versa, as is usual in many countries."""
    crossed: Iterable[tuple[str, str]] = zip(NAMES, reversed(NAMES), strict=True)
    return all(
        compare_text(page, field, texts[field], known[other]) in (Match.SAME, Match.CLOSE)
        for field, other in crossed
    )


def compare_text(page: str | None, field: str, text: str, known: str) -> Match:
    if not text or text == known:
        return Match.SAME if text else Match.BLANK
    if len(text.strip()) > 4 * len(known) + LONGER:
        return Match.OTHER
    is_name = field in NAMES
    folding = fold_name if is_name else fold
    found, expected = folding(text), folding(known)
    if found == expected or not fold(text):
        return Match.SAME if found else Match.BLANK
    if not is_name and found == without_zeros(expected):
        return Match.SAME
    if fits(found, known, page or ASCII, name=is_name):
        return Match.SAME if page else Match.CLOSE
    if not page and folding(repaired(text)) == expected:
        return Match.CLOSE
    return Match.BLANK if fold(text) in NO_VALUE else Match.OTHER


def without_zeros(text: str) -> str:
    """Return a number as a spreadsheet shows it: 00123 becomes 123."""
    return text.lstrip("0") if text.isdecimal() else text


def repaired(text: str) -> str:
    """Undo the decoding of UTF-8 as Windows-1252, by which "í" became two characters."""
    return text if text.isascii() else undecoded(text).decode("utf-8", "replace")
