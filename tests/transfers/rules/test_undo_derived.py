"""Undo of records in which triggers derive columns from their users, or users from other columns."""

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import UndoConflict
from transfers.rules import ArrayColumn, Column, Combine, DataType

# --- Columns that a trigger derives from a user ----------------------------------------------------------------------

TEAM = "IF NEW.lead_id <> OLD.lead_id THEN NEW.team = 'of ' || NEW.lead_id; END IF; RETURN NEW;"


@pytest.fixture
def led(people: People, monkeypatch: pytest.MonkeyPatch) -> DataType:
    """A note of U with the team that a trigger knows, on which S is too: in a column and in a list."""
    change(
        "CREATE TABLE note (id bigint PRIMARY KEY, lead_id bigint, by_id bigint, members bigint[], team text)"
    )
    S, U = people["S"].pk, people["U"].pk
    execute(
        "INSERT INTO note VALUES (1, %s, %s, NULL, %s), (2, %s, NULL, %s, %s)",
        U,
        S,
        f"of {U}",
        U,
        [S],
        f"of {U}",
    )
    note = model_of("note", lead=to(User), by=to(User), members=ArrayField(models.BigIntegerField()))
    owners = Column("lead"), Column("by"), ArrayColumn("members")
    return known(DataType("Notes", note, owners, Combine(), "Notes."), monkeypatch)


def teams(people: People) -> set[str]:
    """Return the leads of the notes, each with the one to whom the team belongs."""
    letters = {str(user.pk): letter for letter, user in people.users.items()}
    found = query("SELECT DISTINCT lead_id || ' ' || team FROM {}", "note")
    return {"".join(letters[one] for one in text.split(" of ")) for text in found}


@pytest.mark.parametrize("order", ["SU", "US"])
@pytest.mark.parametrize("event", ["UPDATE", "UPDATE OF lead_id"])
def test_a_column_that_a_trigger_derives_from_one_of_two_users(
    people: People, led: DataType, order: str, event: str
) -> None:
    meddle("note", f"BEFORE {event}", TEAM)
    before = rows_as_text([led])
    made = transferred(people, led, people.pairs)
    assert teams(people) == {"VV"}
    assert [pair.reason for pair in undo_all(made, sources=[people[order[0]]])] == [""]
    assert teams(people) == {"VV" if order == "SU" else "UU"}
    assert [pair.reason for pair in undo_all(made, sources=[people[order[1]]])] == [""]
    assert rows_as_text([led]) == before


@pytest.mark.parametrize("undos", [["U", "S"], ["US"]])
def test_a_derived_column_of_a_record_that_one_of_its_pairs_leaves(
    people: People, led: DataType, undos: list[str]
) -> None:
    """U's part was changed since. It stays, with the team, in the same undo and in one that follows."""
    meddle("note", "BEFORE UPDATE OF lead_id", TEAM)
    made = transferred(people, led, people.pairs)
    change("ALTER TABLE note DISABLE TRIGGER USER")
    execute("UPDATE note SET lead_id = %s WHERE id = 1", people["X"].pk)
    for sources in undos:
        undone = undo_all(made, leave_changed=True, sources=[people[letter] for letter in sources])
        assert {pair.reason for pair in undone} == {""}
    assert UndoConflict.objects.count() == 1
    V, S, X, U = (people[letter].pk for letter in "VSXU")
    assert rows_as_text([led])["note"] == [f'(1,{X},{S},,"of {V}")', f'(2,{U},,{{{S}}},"of {U}")']


def test_a_column_that_a_trigger_derived_before_it_was_dropped(people: People, led: DataType) -> None:
    """No trigger corrects it, so it returns with the last of the pairs, also if they are undone at once."""
    meddle("note", "BEFORE UPDATE OF lead_id", TEAM)
    before = rows_as_text([led])
    made = transferred(people, led, people.pairs)
    change("DROP TRIGGER meddler ON note")
    assert [pair.reason for pair in undo_all(made)] == ["", ""]
    assert rows_as_text([led]) == before
