"""Parse cells that should hold a user ID: accept unambiguous spellings, and explain problems with the others."""

import re
from decimal import Decimal

from spreadsheets.cell_text import forced_text
from spreadsheets.safe_cells import BLANKS
from transfers.people_csv import problem_kinds
from transfers.people_csv.spreadsheet_values import value_kind
from wording.problems import Kind, Problem

MAX_ID = 2**63 - 1
_LONGEST = 100  # characters; longer text is not parsed as a number
_EXACT_DIGITS = 15  # Excel keeps 15 significant digits and replaces the rest with zeros
# Soft hyphens, joiners, and marks that change the direction of text. They come along when text is pasted.
_INVISIBLE = "\u00ad\ufeff" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)))
)
_AROUND = BLANKS + _INVISIBLE
_SIGN = r"[+\-\u2212]"
_THOUSANDS = r"[ ,.'’\u00a0\u2009\u202f]"

# What programs write for a missing value, in their spelling. Na, Nan and Nil may be names, so they are left out.
_NULLS = (
    r"NULL null NA NaN nan NAN NaT None none nil NIL \N <NA> <na> <null> <NULL> (null) (NULL) [NULL] [null]"
)
_NOTHINGS = "N/A n/a n.a. na (blank) (empty) (none) - – — -- --- undefined"
NULL_WORDS = frozenset(_NULLS.split())
_EMPTY_WORDS = NULL_WORDS | frozenset(_NOTHINGS.split())

_WHOLE = re.compile(r"[0-9]+")
_FORCED_TEXT = re.compile(r'=\s*(?:"\s*([0-9]+)\s*"|([0-9]+))')  # ="19" makes spreadsheets show 19 as text
_TWO_READINGS = re.compile(r"([1-9][0-9]{0,2})[.,]000")
_WHOLE_WITH_ZEROS = re.compile(r"([0-9]+)[.,]0+")  # spreadsheets and scripts may write 19 as 19.0
_GROUPED = re.compile(rf"([1-9][0-9]{{0,2}}(?:({_THOUSANDS})(?:[0-9]{{2,3}}\2)*[0-9]{{3}}))(?:[.,]0+)?")
_LABELLED = re.compile(
    r"(?:(?:(?:from|to)\s+)?user\s*(?:id|no\.?)?|u?id|no\.?|nr\.?|number|n[º°]|№|#)[\s:.=#]*([0-9]+)",
    re.IGNORECASE,
)
_MISTAKES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(rf"{_SIGN}[0-9]+"), problem_kinds.ID_NOT_POSITIVE),
    (re.compile(rf"{_SIGN}?[0-9]+(?:[.,][0-9]+)?[eE]{_SIGN}?[0-9]+|#{{2,}}"), problem_kinds.ID_SHORTENED),
    (re.compile(rf"{_SIGN}?[0-9]*[.,][0-9]+"), problem_kinds.ID_NOT_WHOLE),
    (re.compile(r"[=@+\-＝＋－＠].+|#[^\d\s].*|Err:\d+", re.DOTALL), problem_kinds.ID_IS_FORMULA),
)

Reading = tuple[int | None, tuple[Problem, ...]]


def parse_id(text: str, column: str, row: int | None) -> Reading:
    """Return the ID in a cell, and the problems found in its text.

    A blank cell gives `(None, ())`, because whether it may be blank depends on the row's other cell. Unreadable text
    gives None and an error. An ID is between 1 and `MAX_ID` and may come with a note or a warning.
    """
    bare = bare_text(text)
    if not bare or bare in _EMPTY_WORDS:
        return None, ()
    if len(bare) > _LONGEST:
        return None, (problem_kinds.ID_IS_TEXT(row=row, column=column, value=bare),)
    if _WHOLE.fullmatch(bare):
        return _whole(bare, bare, column, row)
    if match := _FORCED_TEXT.fullmatch(bare):
        return _whole(match[1] or match[2], bare, column, row)
    if (match := _WHOLE_WITH_ZEROS.fullmatch(bare)) and not _TWO_READINGS.fullmatch(bare):
        return _whole(match[1], bare, column, row)
    return None, (_mistake(bare, column, row),)


def is_blank(text: str) -> bool:
    """Return whether the cell holds no ID: only spaces, the apostrophe that marks text, or a word such as NULL."""
    return not text or (bare := bare_text(text)) == "" or bare in _EMPTY_WORDS


def bare_text(text: str) -> str:
    """Strip blanks of any kind, the apostrophe that marks text in spreadsheets, and quotation marks around the text."""
    if text.isdecimal():  # fast path for most cells
        return text
    bare = _stripped(text)
    if bare[:1] == "'":
        bare = _stripped(bare[1:])
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        bare = _stripped(bare[1:-1])
    return "" if bare[:1] == "=" and forced_text(bare) == "" else bare


def _stripped(text: str) -> str:
    return text.strip(_AROUND)


def _whole(digits: str, value: str, column: str, row: int | None) -> Reading:
    number = int(digits)
    if not 0 < number <= MAX_ID:
        kind = problem_kinds.ID_TOO_LARGE if number else problem_kinds.ID_NOT_POSITIVE
        return None, (kind(row=row, column=column, value=value),)
    if _may_be_rounded(number, has_point="." in value or "," in value):
        return number, (problem_kinds.ID_MAY_BE_ROUNDED(row=row, column=column, value=value),)
    if str(number) != value:
        return number, (problem_kinds.ID_READ_AS(row=row, column=column, value=value, suggestion=number),)
    return number, ()


def _may_be_rounded(number: int, *, has_point: bool) -> bool:
    """Return whether a program that holds numbers as doubles may have written this instead of another number.

    It then ends in zeros, or is exactly a double, or is the shortest text of a double.
    """
    if len(str(number)) <= _EXACT_DIGITS:
        return False
    ends_in_zeros = not int(str(number)[_EXACT_DIGITS:])
    return has_point or ends_in_zeros or number in (int(float(number)), int(Decimal(repr(float(number)))))


def _mistake(bare: str, column: str, row: int | None) -> Problem:
    if match := _TWO_READINGS.fullmatch(bare):
        digits = re.sub(_THOUSANDS, "", bare)
        return problem_kinds.ID_TWO_READINGS(
            row=row, column=column, value=bare, grouped=int(digits), whole=int(match[1])
        )
    if match := _GROUPED.fullmatch(bare):
        return _correctable(problem_kinds.ID_THOUSANDS, re.sub(_THOUSANDS, "", match[1]), bare, column, row)
    if bare.isdecimal():  # digits of another script, such as Arabic, which int() would accept
        return _correctable(problem_kinds.ID_OTHER_DIGITS, bare, bare, column, row)
    if problem := _invisible(bare, column, row):
        return problem
    if match := _LABELLED.fullmatch(bare):
        return _correctable(problem_kinds.ID_WITH_LABEL, match[1], bare, column, row)
    if kind := value_kind(bare):
        return kind(row=row, column=column, value=bare)
    for pattern, kind in _MISTAKES:
        if pattern.fullmatch(bare):
            return kind(row=row, column=column, value=bare)
    return problem_kinds.ID_IS_TEXT(row=row, column=column, value=bare)


def _invisible(bare: str, column: str, row: int | None) -> Problem | None:
    """Return the problem of a number that has invisible characters inside, or None."""
    visible = re.sub(f"[{_INVISIBLE}]", "", bare)
    if visible == bare or not re.fullmatch(r"[\d.,'’\s+\-]+", visible):
        return None
    if _WHOLE.fullmatch(visible):
        return _correctable(problem_kinds.ID_INVISIBLE, visible, bare, column, row)
    return problem_kinds.ID_INVISIBLE_IN_NUMBER(row=row, column=column, value=bare)


def _correctable(kind: Kind, digits: str, bare: str, column: str, row: int | None) -> Problem:
    number = int(digits)
    if not 0 < number <= MAX_ID:
        return problem_kinds.ID_NOT_WHOLE(row=row, column=column, value=bare)
    return kind(row=row, column=column, value=bare, suggestion=number)
