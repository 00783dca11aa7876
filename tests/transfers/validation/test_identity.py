"""Which texts beside an ID decide whether the row speaks of its user (docs/csv-cases.md, 42). No database."""

from dataclasses import replace
from typing import Any

import pytest

from tests.transfers.validation.checking import facts
from transfers.people_csv import TO_USER_ID
from transfers.validation import CandidateRow, Facts, check_rows
from wording.problems import Problem

BO = {
    "first_name": "Bo",
    "last_name": "Chén",
    "username": "bo.chen",
    "email": "bo@example.com",
    "employee_id": "00123",
}
GOOD, WARNED, REFUSED = None, "partly-different", "name-of-another-user"
OF_OTHERS = frozenset({("user_name", "di.ng"), ("email", "di@example.com"), ("employee_id", "77")})


def known(**changes: str) -> Facts:
    user = {**BO, **changes}
    # user 18 is the source; the target has an employee ID, because sources with one need it
    return replace(facts(u18=user, u19={"employee_id": "9"}), claimed=OF_OTHERS)


def found(known: Facts, **texts: Any) -> list[Problem]:
    row = CandidateRow(45, 18, 19, **texts)
    return [problem for problem in check_rows([row], known)[45] if problem.code in (WARNED, REFUSED)]


FITTING = {
    "first_name": "Bo",
    "last_name": "Chén",
    "user_name": "bo.chen",
    "email": "bo@example.com",
    "employee_id": "00123",
}
CASES = [
    # all texts, and only some of them
    (GOOD, {}),
    (GOOD, dict.fromkeys(FITTING, "")),
    (GOOD, {"user_name": "BO.CHEN ", "email": "Bo@Example.com"}),
    (GOOD, {"employee_id": "123"}),
    (GOOD, {"last_name": "NULL", "email": "#N/A", "employee_id": "<NA>"}),
    # the name differs, but the user name or email fits
    (WARNED, {"last_name": "Chén (left)"}),
    (WARNED, {"last_name": "Jan 3"}),
    (WARNED, {"first_name": "Ana", "last_name": "Díaz", "email": ""}),
    (WARNED, {"first_name": "Ana", "last_name": "Díaz", "user_name": ""}),
    (WARNED, {"first_name": "Ana", "last_name": "Díaz", "user_name": "", "email": ""}),
    (REFUSED, {"first_name": "Ana", "last_name": "Díaz", "user_name": "", "email": "", "employee_id": ""}),
    (GOOD, {"last_name": "Chen"}),
    (GOOD, {"first_name": "Chén", "last_name": "Bo"}),
    # only names: letters that may have been replaced, and swapped names
    (WARNED, {"last_name": "Chen", "user_name": "", "email": "", "employee_id": ""}),
    (WARNED, {"last_name": "Ch?n", "user_name": "", "email": "", "employee_id": ""}),
    (WARNED, {"last_name": "ChÃ©n", "user_name": "", "email": "", "employee_id": ""}),
    (WARNED, {"first_name": "Chén", "last_name": "Bo", "user_name": "", "email": "", "employee_id": ""}),
    (REFUSED, {"last_name": "Chern", "user_name": "", "email": "", "employee_id": ""}),
    (GOOD, {"last_name": "Chen", "user_name": "", "email": "", "employee_id": "", "code_page": True}),
    # one of the two has changed since the export, or belongs to another user
    (WARNED, {"email": "bo@old.example.com"}),
    (WARNED, {"user_name": "b.chen"}),
    (REFUSED, {"email": "di@example.com"}),
    (REFUSED, {"user_name": "Di.Ng"}),
    (REFUSED, {"user_name": "di.ng", "email": ""}),
    (REFUSED, {"user_name": "b.chen", "email": "", "employee_id": ""}),
    (REFUSED, {"user_name": "", "email": "b.chen@example.com", "employee_id": ""}),
    (REFUSED, {"user_name": "b.chen", "email": "b.chen@example.com", "employee_id": ""}),
    (WARNED, {"user_name": "b.chen", "email": "b.chen@example.com"}),
    (REFUSED, {"first_name": "", "last_name": "", "user_name": "b.chen", "email": "", "employee_id": ""}),
    # employee IDs, which spreadsheets may change
    (WARNED, {"employee_id": "1.23E+05"}),
    (WARNED, {"employee_id": "77"}),
    (WARNED, {"employee_id": "1.23E+05", "user_name": "", "email": ""}),
    (REFUSED, {"employee_id": "77", "user_name": "", "email": ""}),
    (REFUSED, {"employee_id": "77", "user_name": "", "email": "", "first_name": "", "last_name": ""}),
]


@pytest.mark.parametrize(("code", "texts"), CASES)
def test_which_texts_decide(code: str | None, texts: dict[str, object]) -> None:
    assert [problem.code for problem in found(known(), **{**FITTING, **texts})] == ([code] if code else [])


def test_zeros_are_lost_and_never_added() -> None:
    texts = {"employee_id": "0077", "user_name": "", "email": ""}
    assert [problem.code for problem in found(known(employee_id="77"), **{**FITTING, **texts})] == [WARNED]


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (
            {"first_name": "Ana", "last_name": "Díaz", "user_name": "ana", "email": "", "employee_id": ""},
            "The name in row 45 does not match user 18: the row says “Ana Díaz”, but the user is “Bo Chén”.",
        ),
        (
            {"user_name": "di.ng"},
            "The user name in row 45 does not match user 18: the row says “di.ng”, "
            "but the user is “Bo Chén (bo.chen)”.",
        ),
        (
            {"email": "bo@old.example.com"},
            "The email in row 45 differs from that of user 18: the row says “bo@old.example.com”, "
            "but the user is “Bo Chén (bo@example.com)”.",
        ),
        (
            {"first_name": "Chén", "last_name": "Bo", "user_name": "", "email": "", "employee_id": ""},
            "The name in row 45 differs from that of user 18: the row says “Chén Bo”, but the user is “Bo Chén”.",
        ),
    ],
)
def test_the_sentence_names_the_user_and_what_is_beside_the_id(
    texts: dict[str, object], sentence: str
) -> None:
    assert [problem.sentence for problem in found(known(), **{**FITTING, **texts})] == [sentence]


def test_in_a_swapped_row_the_texts_belong_to_the_target() -> None:
    texts: dict[str, Any] = {"user_name": "bo.chen", "named": TO_USER_ID}
    row = CandidateRow(45, 19, 18, **texts)
    assert "name-of-another-user" not in [problem.code for problem in check_rows([row], known())[45]]
    row = CandidateRow(45, 18, 19, **texts)
    assert "name-of-another-user" in [problem.code for problem in check_rows([row], known())[45]]


def test_a_known_code_page_is_tried_first() -> None:
    known_facts = known(last_name="田中")
    text = "田中".encode("cp932").decode("cp1252", "replace")
    assert found(known_facts, first_name="Bo", last_name=text, code_page=True) == []
    assert known_facts.code_pages[0] == "cp932"
