"""Files of users with names of all scripts, as spreadsheets save them in Unicode and in code pages.

No row of the right user is refused or warned of, and rows of two users whose IDs were swapped are noticed.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from tests.transfers.people_csv.names import CODE_PAGES, NAMES, PEOPLE
from transfers.actions.drafting import storable_identity
from transfers.people_csv import IDENTITY, Row, read
from transfers.people_csv.spelling import fold_name
from transfers.validation import CandidateRow, Facts, UserFacts, check_rows
from wording.problems import Severity

Person = tuple[str, ...]  # first name, last name, user name, email
WRONG = ("name-of-another-user", "partly-different")


# --- Files as programs write them ------------------------------------------------------------------------------------


def question_marks(text: str, page: str) -> bytes:
    return text.encode(page, "replace")


def question_marks_per_unit(text: str, page: str) -> bytes:
    """Write as Windows does, which counts in UTF-16 units."""
    return b"".join(encoded(char, page) or b"?" * (len(char.encode("utf-16-le")) // 2) for char in text)


def underscores(text: str, page: str) -> bytes:
    return b"".join(encoded(char, page) or b"_" for char in text)


def best_fit(text: str, page: str) -> bytes:
    """Write letters without their marks if the code page has them."""
    return b"".join(
        encoded(char, page) or encoded(unicodedata.normalize("NFKD", char)[0], page) or b"?" for char in text
    )


def encoded(char: str, page: str) -> bytes:
    return char.encode(page, "ignore")


WRITERS = [question_marks, question_marks_per_unit, underscores, best_fit]
Writer = Callable[[str, str], bytes]


def file(
    people: Iterable[Person], columns: Sequence[str], page: str, writer: Writer = question_marks
) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["From User ID", "To User ID", *columns])
    rows.writerows(
        [number, 1000 + number, *person[: len(columns)]] for number, person in enumerate(people, start=1)
    )
    return writer(text.getvalue(), page)


def rows_of(
    people: Sequence[Person], columns: Sequence[str], page: str, writer: Writer
) -> list[CandidateRow]:
    parsed = read(io.BytesIO(file(people, columns, page, writer)))
    assert [row.from_id for row in parsed.rows] == list(range(1, len(people) + 1))
    assert not any(row.problems for row in parsed.rows)
    return [stored(row, parsed.code_page) for row in parsed.rows]


def stored(row: Row, code_page: bool) -> CandidateRow:
    texts = {field: storable_identity(getattr(row, field)) for field in IDENTITY.values()}
    return CandidateRow(row.number, row.from_id, row.to_id, code_page=code_page, **texts)


# --- Users and what is found -----------------------------------------------------------------------------------------


def facts(people: Sequence[Person]) -> Facts:
    users = {number: user(number, *person) for number, person in enumerate(people, start=1)}
    targets = {1000 + number: user(1000 + number, "T", "T", f"t{number}") for number in users}
    return Facts(0, users | targets)


def user(number: int, first: str, last: str, name: str = "", email: str = "") -> UserFacts:
    return UserFacts(number, first, last, name or f"u{number}", False, False, False, None, email=email)


def wrong(rows: Sequence[CandidateRow], known: Facts) -> dict[int, Severity]:
    found = check_rows(rows, known)
    return {
        number - 1: problem.severity
        for number, problems in found.items()
        for problem in problems
        if problem.code in WRONG
    }


NAME_COLUMNS = ("First Name", "Last Name")
COLUMNS = (*NAME_COLUMNS, "User Name", "Email")
EVERYONE = [(first, last, f"user.{n}", f"user.{n}@example.com") for n, (first, last) in enumerate(PEOPLE)]
UNICODE = ["utf-8-sig", "utf-8", "utf-16", "utf-32"]


# --- Rows of the right user ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("page", CODE_PAGES)
def test_no_right_row_is_refused_in_a_code_page(page: str, writer: Writer) -> None:
    assert wrong(rows_of(EVERYONE, NAME_COLUMNS, page, writer), facts(EVERYONE)) == {}
    for names in NAMES.values():  # files of a single language, which may be ASCII
        assert wrong(rows_of(names, NAME_COLUMNS, page, writer), facts(names)) == {}


@pytest.mark.parametrize("encoding", UNICODE)
def test_no_right_row_is_refused_in_unicode(encoding: str) -> None:
    assert wrong(rows_of(EVERYONE, COLUMNS, encoding, question_marks), facts(EVERYONE)) == {}


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("case", [str, str.upper, str.lower, str.casefold])
def test_case_and_normal_form_do_not_count(form: str, case: Callable[[str], str]) -> None:
    written = [tuple(unicodedata.normalize(form, case(text)) for text in person) for person in EVERYONE]
    assert wrong(rows_of(written, NAME_COLUMNS, "utf-8-sig", question_marks), facts(EVERYONE)) == {}


# --- Rows of two users whose IDs were swapped ------------------------------------------------------------------------


def swapped(rows: Sequence[CandidateRow], one: int, two: int) -> list[CandidateRow]:
    return [
        replace(rows[one], source_id=rows[two].source_id, target_id=rows[two].target_id),
        replace(rows[two], source_id=rows[one].source_id, target_id=rows[one].target_id),
    ]


def unnoticed(rows: Sequence[CandidateRow], known: Facts) -> list[tuple[int, int]]:
    """Return the pairs of users who can be swapped although the file tells them apart."""
    return [
        (one, two)
        for one, two in combinations(range(len(rows)), 2)
        if written(rows[one]) != written(rows[two]) and not wrong(swapped(rows, one, two), known)
    ]


def written(row: CandidateRow) -> tuple[str, str]:
    return fold_name(row.first_name), fold_name(row.last_name)


LOOKALIKES = [
    *[("José", "Muñoz"), ("Jose", "Munoz"), ("Josè", "Muñoz"), ("Jozé", "Muñoz"), ("Jos", "Muñoz")],
    *[("Öz", "Ay"), ("Oz", "Ay"), ("Őz", "Ay"), ("Oez", "Ay"), ("Øz", "Ay")],
    *[("Anna", "Ivanova"), ("Анна", "Иванова"), ("Инна", "Иванова"), ("Αννα", "Ιωάννου")],
    *[
        ("太郎", "田中"),
        ("次郎", "田中"),
        ("太", "田中"),
        ("ハハ", "田中"),
        ("ババ", "田中"),
        ("パパ", "田中"),
    ],
    *[("Ali", "Hassan"), ("Hassan", "Ali"), ("علي", "حسن"), ("حسن", "علي")],
]

ONE_OF_EACH = [names[0] for names in NAMES.values()]


@pytest.mark.parametrize("encoding", UNICODE)
def test_each_swap_is_noticed_in_unicode(encoding: str) -> None:
    for people in (ONE_OF_EACH, LOOKALIKES, [("Őz", "Ay"), ("Õz", "Ay")], *NAMES.values()):
        assert unnoticed(rows_of(people, NAME_COLUMNS, encoding, question_marks), facts(people)) == []


@pytest.mark.parametrize("page", CODE_PAGES)
def test_each_swap_is_noticed_in_a_code_page_that_can_tell(page: str) -> None:
    for people in (ONE_OF_EACH[::5], LOOKALIKES, *NAMES.values()):
        assert unnoticed(rows_of(people, NAME_COLUMNS, page, question_marks), facts(people)) == []


@pytest.mark.parametrize("page", [*UNICODE, *CODE_PAGES])
def test_namesakes_are_told_apart_by_user_name_or_email(page: str) -> None:
    for first, last in ONE_OF_EACH[::7]:
        people = [(first, last, "one", "one@example.com"), (first, last, "two", "two@example.com")]
        for columns in (COLUMNS, COLUMNS[:3]):
            found = wrong(swapped(rows_of(people, columns, page, question_marks), 0, 1), facts(people))
            assert found == {1: Severity.ERROR, 2: Severity.ERROR}
