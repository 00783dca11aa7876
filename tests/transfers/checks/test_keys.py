"""Keys and exclusion constraints of the database that hold an owner."""

import pytest
from django.core.checks import ERROR, CheckMessage
from django.db import models

from tests.transfers.checks.declaring import NOTE, PAGE, change, child_of, entry, found, ids, only, table
from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.plans import compile_plan
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.keys import conflicts_are_decided
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Overwrite

pytestmark = pytest.mark.django_db


def errors(notes: DataType) -> list[CheckMessage]:
    return [message for message in found(notes) if message.level >= ERROR]


# --- Keys that ask for a policy --------------------------------------------------------------------------------------


def test_a_key_without_a_policy() -> None:
    change(NOTE + "CREATE UNIQUE INDEX once ON note (user_id, lower(title))")
    notes = table()
    error = only(found(entry(notes)))
    assert (error.id, "once (user_id, lower(title))" in error.msg) == ("transfers.E102", True)
    assert found(entry(notes, rule=Combine(KeepTarget()))) == []


@pytest.mark.parametrize("key", ["(user_id, id)", "(id, user_id, day)", "(day, id) WHERE user_id > 0"])
def test_a_key_that_contains_the_primary_key_needs_none(key: str) -> None:
    change(f"{NOTE} CREATE UNIQUE INDEX once ON note {key}")
    assert found(entry(table())) == []


@pytest.mark.parametrize(
    "key",
    [
        "(title) INCLUDE (user_id)",
        "(title, day) INCLUDE (user_id) WHERE title <> ''",
        "(title) WHERE user_id IS NOT NULL",
        "(title) WHERE day > '2026-01-01' AND user_id IS NULL",
        "(user_id, parent_id)",
        "(parent_id, title) WHERE user_id > 0",
    ],
)
def test_a_key_that_another_owner_does_not_change(key: str) -> None:
    """The numbers of the parents alone are unique, too."""
    change(f"{NOTE} ALTER TABLE note ADD UNIQUE (parent_id); CREATE UNIQUE INDEX once ON note {key}")
    assert found(entry(table())) == []
    assert compile_plan(entry(table()), read_tables(["note"])).totals.counts


@pytest.mark.parametrize(
    "key",
    [
        "(title) INCLUDE (user_id) WHERE user_id > 0",
        "(lower(user_id::text)) INCLUDE (user_id)",
        "(title) WHERE user_id IS NOT NULL AND user_id <> 7",
        "(user_id, parent_id) NULLS NOT DISTINCT",
        "(user_id, day)",
        "(user_id, title)",
    ],
)
def test_a_key_that_another_owner_may_violate(key: str) -> None:
    """The days alone are unique only of some notes, the titles as they are only in lower case."""
    change(
        f"{NOTE} ALTER TABLE note ADD UNIQUE (parent_id); CREATE UNIQUE INDEX ON note (day) WHERE title = '';"
    )
    change(f"CREATE UNIQUE INDEX ON note (lower(title)); CREATE UNIQUE INDEX once ON note {key}")
    assert ids(errors(entry(table()))) == ["transfers.E102"]
    with pytest.raises(CannotCompile, match="no policy is declared"):
        conflicts_are_decided(entry(table()), read_tables(["note"])["note"])


def test_a_primary_key_that_holds_the_owner_does_not_count() -> None:
    change("CREATE TABLE note (id bigint, user_id bigint, day date, PRIMARY KEY (user_id, id));")
    change("CREATE UNIQUE INDEX once ON note (user_id, id, day)")
    assert ids(found(entry(table()))) == ["transfers.E102", "transfers.E102"]


# --- Exclusion constraints -------------------------------------------------------------------------------------------

EXCLUSIONS = {
    "an exclusion constraint": "EXCLUDE USING gist (user_id WITH =, during WITH &&)",
    "without overlaps": "UNIQUE (user_id, during WITHOUT OVERLAPS)",
}


def apart(constraint: str, of: str = "note") -> str:
    return f"ALTER TABLE {of} ADD during tstzrange NOT NULL, ADD CONSTRAINT apart {constraint};"


@pytest.fixture(autouse=True)
def btree_gist(db: None) -> None:
    change("CREATE EXTENSION btree_gist")


@pytest.mark.parametrize("constraint", EXCLUSIONS.values(), ids=EXCLUSIONS)
def test_a_constraint_without_a_policy(constraint: str) -> None:
    change(NOTE + apart(constraint))
    error = only(errors(entry(table(), rule=Combine())))
    assert error.id == "transfers.E112"
    assert (
        f"the constraint apart of note excludes rows of both users that overlap: {constraint}." in error.msg
    )
    assert errors(entry(table(), rule=Combine(KeepTarget()))) == []


def test_a_constraint_that_excludes_all_other_rows_of_a_user() -> None:
    change(NOTE + apart("EXCLUDE USING gist (id WITH <>, user_id WITH =)"))
    assert ids(found(entry(table()))) == ["transfers.E112"]


@pytest.mark.parametrize("constraint", EXCLUSIONS.values(), ids=EXCLUSIONS)
def test_overwritten_rows_are_gone_before_they_could_overlap(constraint: str) -> None:
    change(NOTE + apart(constraint))
    assert errors(entry(table(), rule=Overwrite())) == []


def test_a_second_owner_of_overwritten_rows_may_overlap() -> None:
    change(
        NOTE
        + "ALTER TABLE note ADD by_id bigint;"
        + apart("EXCLUDE USING gist (by_id WITH =, during WITH &&)")
    )
    columns = {name: models.BigIntegerField(db_column=f"{name}_id") for name in ("user", "by")}
    notes = entry(table(**columns), Column("user"), Column("by"), rule=Overwrite())
    assert ids(errors(notes)) == ["transfers.E112"]


def test_a_constraint_without_the_owner() -> None:
    change(NOTE + apart("EXCLUDE USING gist (day WITH =, during WITH &&)"))
    assert found(entry(table())) == []


def test_a_child_that_is_handed_on_may_overlap() -> None:
    change(NOTE + PAGE + "ALTER TABLE note ADD UNIQUE (user_id, day);")
    change(apart("EXCLUDE USING gist (note_id WITH =, during WITH &&)", of="page"))
    note = table()
    page = child_of(note)

    def notes(child: Child) -> DataType:
        return entry(note, rule=Combine(KeepTarget()), children=(child,))

    error = only(errors(notes(Child(page, "note"))))
    assert "of page excludes rows" in error.msg
    assert "goes_with_parent=True" in str(error.hint)
    assert errors(notes(Child(page, "note", goes_with_parent=True))) == []
