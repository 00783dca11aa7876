"""Undo of records in which triggers derive columns from their users, or users from other columns."""

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, put, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.models import UndoConflict
from transfers.rules import ArrayColumn, Column, Combine, DataType, Polymorphic

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


def test_a_derived_column_of_a_pair_that_was_transferred_again(people: People, led: DataType) -> None:
    """U's part was undone and transferred again, so V is the lead, with V's team, when S's part is undone."""
    meddle("note", "BEFORE UPDATE", TEAM)
    made = transferred(people, led, people.pairs)
    assert [pair.reason for pair in undo_all(made, sources=[people["U"]])] == [""]
    transferred(people, led, people.pairs[1:])
    assert [pair.reason for pair in undo_all(made, sources=[people["S"]])] == [""]
    assert teams(people) == {"VV"}


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


# --- Users that a trigger replaces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_new", [False, True])
def test_a_trigger_that_replaces_the_other_user_in_an_undo(
    people: People, led: DataType, *, is_new: bool
) -> None:
    """A record of somebody who has left gets another lead. The transfer gives it to somebody who has not."""
    is_there = "(SELECT is_active FROM accounts_user WHERE id = NEW.by_id)"
    body = f"IF NOT {is_there} THEN NEW.lead_id = {people['X'].pk}; END IF; RETURN NEW;"
    if not is_new:
        meddle("note", "BEFORE UPDATE", body)
    made = transferred(people, led, people.pairs[:1])
    if is_new:
        meddle("note", "BEFORE UPDATE", body)
    undo_fails(made, led)


def test_a_trigger_that_gives_a_row_with_folded_values_to_somebody_else(people: People) -> None:
    counter = put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 7), columns="owner day n")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    body = f"IF NEW.n < OLD.n THEN NEW.owner_id = {people['X'].pk}; END IF; RETURN NEW;"
    meddle("smallapp_counter", "BEFORE UPDATE", body)
    undo_fails(made, counter)


def test_a_trigger_that_gives_a_row_another_kind_of_owner(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ID in it is that of a team then."""
    change("CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, kind text)")
    execute("INSERT INTO note VALUES (1, %s, 'user')", people["S"].pk)
    note = model_of("note", owner_id=models.BigIntegerField(), kind=models.TextField())
    owner = Polymorphic("owner_id", kind_field="kind", kind="user")
    entry = known(DataType("Notes", note, (owner,), Combine(), "Notes."), monkeypatch)
    made = transferred(people, entry, people.pairs[:1])
    meddle("note", "BEFORE UPDATE", "NEW.kind = 'team'; RETURN NEW;")
    undo_fails(made, entry)


def undo_fails(made: int, entry: DataType) -> None:
    before = rows_as_text([entry])
    with pytest.raises(TotalsMismatch, match="1 records of .* trigger meddler"), transaction.atomic():
        undo_all(made)
    assert rows_as_text([entry]) == before
