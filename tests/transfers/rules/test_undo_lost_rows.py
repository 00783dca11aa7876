"""Undo of a record to which rows of another pair lost, or into which they were merged: alone, it would take them."""

from collections.abc import Sequence

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules import journal
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.engine.undo.prediction import joint_groups
from transfers.models import PairState, TransferPair, UndoConflict
from transfers.rules import (
    Child,
    Column,
    Combine,
    DataType,
    FillBlank,
    KeepSource,
    KeepTarget,
    Max,
    Merge,
    Policy,
    Sum,
)

NOTES = "CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint, m integer, UNIQUE (a_id, b_id))"
REMARKS = """
CREATE TABLE remark (id bigint PRIMARY KEY, note_id bigint REFERENCES note (id), n integer, UNIQUE (note_id, n))
"""
SHARED = "also to users for whom"


@pytest.fixture
def notes(people: People, monkeypatch: pytest.MonkeyPatch) -> "Notes":
    return Notes(people, monkeypatch)


class Notes:
    """A table of notes that belong to two users, with remarks as children, which are re-pointed."""

    def __init__(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.people, self.monkeypatch = people, monkeypatch

    def create(self, policy: Policy, *rows: tuple[str, int | None], table: str = NOTES) -> DataType:
        """Create notes 1, 2, …, each with the letters of its two users and a value, and a remark of the same number."""
        change(f"{table}; {REMARKS}")
        note = model_of("note", a=to(User), b=to(User), m=models.IntegerField(null=True))
        remark = model_of("remark", note=to(note), n=models.IntegerField())
        children = (Child(remark, "note"),)
        owners = (Column("a"), Column("b"))
        entry = DataType("Notes", note, owners, Combine(policy), "Notes.", children=children)
        self.monkeypatch.setattr(journal, "by_key", lambda key: entry)
        for number, (letters, m) in enumerate(rows, 1):
            self.add(number, letters, m)
            execute("INSERT INTO remark VALUES (%s, %s, %s)", number, number, number)
        return known(entry, self.monkeypatch)

    def add(self, number: int, letters: str, m: int | None) -> None:
        execute(
            "INSERT INTO note VALUES (%s, %s, %s, %s)", number, *(self.people[of].pk for of in letters), m
        )


def transfers(people: People, entry: DataType, way: str) -> tuple[int, int]:
    """Run S→T and U→V, and return the transfer of each."""
    if way == "two":
        first, second = (transferred(people, entry, [pair]) for pair in people.pairs[:2])
        return first, second
    made = transferred(people, entry, people.pairs[:2], batches=2 if way == "batches" else 1)
    return made, made


def undo_one_by_one(people: People, *transferred_pairs: tuple[int, str]) -> None:
    for made, source in transferred_pairs:
        [pair] = undo_all(made, sources=[people[source]])
        assert pair.reason == ""


def conflicts(*pairs: TransferPair) -> list[tuple[str, str, str]]:
    found = UndoConflict.objects.filter(pair__in=pairs).order_by("table", "key", "why")
    return [(row.table, row.key, row.why) for row in found]


WAYS = pytest.mark.parametrize("way", ["two", "batches", "one"])
POLICIES = pytest.mark.parametrize(
    ("policy", "rows"),
    [
        (KeepTarget(), [("SV", 10), ("TU", 3)]),
        (KeepSource(), [("SU", 10), ("TV", 3)]),
        (Merge({"m": Sum()}), [("SV", 10), ("TU", 3)]),
        (Merge({"m": Max()}), [("SV", 1), ("TU", 3)]),
        (Merge({"m": FillBlank()}), [("SV", None), ("TU", 3)]),
    ],
)


@WAYS
@POLICIES
def test_the_record_stays_as_long_as_the_other_pair_is_not_undone(
    people: People, notes: Notes, policy: Policy, rows: Sequence[tuple[str, int | None]], way: str
) -> None:
    """U→V had T's note lose to the one that S→T moved: with the latter, S would get what is T's."""
    entry = notes.create(policy, *rows)
    before = rows_as_text([entry])
    first, second = transfers(people, entry, way)
    after = rows_as_text([entry])
    assert query("SELECT id FROM {}", "note") == [1]
    [pair] = undo_all(first, sources=[people["S"]])
    assert SHARED in pair.reason
    assert rows_as_text([entry]) == after
    if way == "one" and isinstance(policy, KeepSource):  # the note was deleted for both pairs at once
        restore(first)
    else:
        undo_one_by_one(people, (second, "U"), (first, "S"))
    assert rows_as_text([entry]) == before


@WAYS
@POLICIES
def test_both_pairs_are_undone_at_once(
    people: People, notes: Notes, policy: Policy, rows: Sequence[tuple[str, int | None]], way: str
) -> None:
    entry = notes.create(policy, *rows)
    before = rows_as_text([entry])
    made = set(transfers(people, entry, way))
    if way != "two":
        pairs = set(TransferPair.objects.filter(transfer__in=made).values_list("pk", flat=True))
        assert joint_groups(sorted(pairs)) == [pairs]  # one chunk
    for one in sorted(made, reverse=True):
        restore(one)
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("way", ["batches", "one"])
@pytest.mark.parametrize("policy", [KeepTarget(), Merge({"m": Sum()}), Merge({"m": Max()})])
def test_the_record_stays_if_the_other_pair_leaves_a_row(
    people: People, notes: Notes, policy: Policy, way: str
) -> None:
    """T and U have another note since, so the one that U→V deleted cannot return."""
    entry = notes.create(policy, ("SV", 1), ("TU", 3))
    made, _ = transfers(people, entry, way)
    notes.add(9, "TU", 0)
    after = rows_as_text([entry])
    assert [pair.state for pair in undo_all(made)] == [PairState.FAILED, PairState.FAILED]
    assert rows_as_text([entry]) == after
    pairs = undo_all(made, leave_changed=True)
    assert [pair.state for pair in pairs] == [PairState.SUCCEEDED, PairState.SUCCEEDED]
    assert conflicts(pairs[0]) == [("note", "(1)", "shared")]
    assert ("note", "(2)", "key taken") in conflicts(pairs[1])
    assert rows_as_text([entry]) == after


@pytest.mark.parametrize("way", ["two", "batches", "one"])
@pytest.mark.parametrize("policy", [KeepTarget(), Merge({"m": Sum()}), Merge({"m": Max()})])
def test_the_record_stays_if_the_undo_of_the_other_pair_left_a_row(
    people: People, notes: Notes, policy: Policy, way: str
) -> None:
    entry = notes.create(policy, ("SV", 1), ("TU", 3), ("SX", 5))
    first, second = transfers(people, entry, way)
    notes.add(9, "TU", 0)
    undo_all(second, leave_changed=True, sources=[people["U"]])
    [pair] = undo_all(first, leave_changed=True, sources=[people["S"]])
    assert conflicts(pair) == [("note", "(1)", "shared")]
    assert pair.counts == {entry.key: {"returned": 1, "left": 1}}


def test_a_row_that_people_deleted_again(people: People, notes: Notes) -> None:
    """U→V was undone without leaving anything of the record, so that it can go back to S, whatever happened since."""
    entry = notes.create(KeepTarget(), ("SV", 1), ("TU", 3), ("UX", 4))
    first, second = transfers(people, entry, "two")
    notes.add(9, "UX", 0)
    [pair] = undo_all(second, leave_changed=True)
    assert conflicts(pair) == [("note", "(3)", "key taken")]
    [pair] = undo_all(first)
    assert pair.reason == ""


@pytest.mark.parametrize("way", ["two", "batches", "one"])
def test_a_record_that_had_the_key_before(people: People, notes: Notes, way: str) -> None:
    """The unique key does not hold the user whom S→T changed: U's note would have been deleted without it, too."""
    keyed = "CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint NOT NULL UNIQUE, m integer)"
    entry = notes.create(KeepTarget(), ("SV", 1), ("XU", 3), table=keyed)
    before = rows_as_text([entry])
    first, second = transfers(people, entry, way)
    assert query("SELECT id FROM {}", "note") == [1]
    undo_one_by_one(people, (first, "S"), (second, "U"))
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("way", ["two", "batches", "one"])
def test_a_record_that_is_known_by_its_users(people: People, notes: Notes, way: str) -> None:
    """The deleted note names the one to which it lost by the key that this had before or after it was moved."""
    columns = "id bigint NOT NULL UNIQUE, a_id bigint, b_id bigint, m integer, PRIMARY KEY (a_id, b_id)"
    entry = notes.create(KeepTarget(), ("SV", 1), ("TU", 3), table=f"CREATE TABLE note ({columns})")
    before = rows_as_text([entry])
    first, second = transfers(people, entry, way)
    after = rows_as_text([entry])
    [pair] = undo_all(first, sources=[people["S"]])
    assert SHARED in pair.reason
    assert rows_as_text([entry]) == after
    undo_one_by_one(people, (second, "U"), (first, "S"))
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("way", ["two", "batches"])
def test_a_child_to_which_another_one_lost(people: People, notes: Notes, way: str) -> None:
    """S→T re-pointed S's remark to a note, to which U→V then brought one with the same number, which was deleted."""
    entry = notes.create(KeepTarget(), ("TV", 1), ("SV", 2), ("TU", 3))
    execute("UPDATE remark SET n = 7 WHERE id > 1")
    before = rows_as_text([entry])
    first, second = transfers(people, entry, way)
    assert query("SELECT id FROM {} ORDER BY id", "remark") == [1, 2]
    [pair] = undo_all(first, sources=[people["S"]])
    assert SHARED in pair.reason
    undo_one_by_one(people, (second, "U"), (first, "S"))
    assert rows_as_text([entry]) == before


def test_a_value_that_another_pair_gave_and_took_back_between_two_transfers(
    people: People, notes: Notes
) -> None:
    """U→V merged its note between two transfers from S to T, and was undone before the second one."""
    entry = notes.create(Merge({"m": Max()}), ("TV", 1), ("TU", 2), ("SX", 0))
    first, second = transfers(people, entry, "two")
    restore(second)
    notes.add(4, "SV", 5)
    late = transferred(people, entry, people.pairs[:1], late=True)
    assert query("SELECT m FROM {} ORDER BY id", "note") == [5, 2, 0]
    [pair] = undo_all(first, late)
    assert (pair.reason, query("SELECT m FROM {} ORDER BY id", "note")) == ("", [1, 2, 0, 5])


def test_a_row_that_an_earlier_batch_deleted(people: People, notes: Notes) -> None:
    """U→V deletes 2 for 1, before S→T changes 1 in another batch: it had the key before."""
    entry = notes.create(KeepTarget(), ("SV", 1), ("SU", 3))
    before = rows_as_text([entry])
    made = transferred(people, entry, people.pairs[1::-1], batches=2)
    undo_one_by_one(people, (made, "S"), (made, "U"))
    assert rows_as_text([entry]) == before
