"""What the names of columns, tables and kinds say about people."""

import re

import pytest

from adopting.people import names
from adopting.people.sampling import person_kind
from adopting.proposing import aside


@pytest.mark.parametrize(
    ("name", "is_person", "is_perhaps"),
    [
        ("agent_id", True, False),
        ("useridto", True, False),
        ("updated_by", True, False),
        ("replaced_by", False, True),  # may be a record of the same kind
        ("grader_id", False, True),
        ("is_owner", False, False),  # a flag
        ("notify_user", False, False),
        ("users", False, False),  # how many
    ],
)
def test_columns(name: str, is_person: bool, is_perhaps: bool) -> None:
    assert names.suggests_person(name) is is_person
    assert is_person or names.may_suggest_person(name) is is_perhaps


@pytest.mark.parametrize(
    ("kind", "is_person"),
    [("user", True), ("users", True), (r"app\models\user", True), ("new user", False), ("enduser", False)],
)
def test_kinds(kind: str, is_person: bool) -> None:
    assert bool(re.search(person_kind(frozenset()), kind)) is is_person


@pytest.mark.parametrize(
    ("name", "is_planned"),
    [("agent_shift", True), ("schedules", True), ("rotated_key", False), ("shift_report", False)],
)
def test_plans_of_work(name: str, is_planned: bool) -> None:
    assert names.is_planned(name) is is_planned


def test_what_is_of_the_account() -> None:
    for group in ("group_users", "user_groups", "cohort_members"):
        assert aside.GROUP.search(group)
    for work in ("agent_group_schedule", "question_group_agent_answer"):
        assert not aside.GROUP.search(work)
    assert aside.OF_THE_WEB.search("user_sessions")
    assert not aside.OF_THE_WEB.search("coaching_session_user")
    for number in ("attempt", "position", "line_no"):
        assert aside.NUMBER.search(number)
    for key in ("week_no", "phone_number", "ticket_number"):
        assert not aside.NUMBER.search(key)
