"""Undo of values that were changed more than once: parts of a sum, and what people took back between two transfers."""

from dataclasses import replace
from itertools import permutations

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules import journal
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import PairState, UndoConflict
from transfers.rules import Column, Combine, DataType, Fold, Max, Merge, Sum

NOTES = "CREATE TABLE note (id bigint PRIMARY KEY, a_id bigint, b_id bigint, m {}, UNIQUE (a_id, b_id))"


def sums(
    people: People, monkeypatch: pytest.MonkeyPatch, *rows: tuple[str, object], sql_type: str = "integer"
) -> DataType:
    """Create notes 1, 2, …, each with the letters of its two users and a value, which are merged by Sum."""
    change(NOTES.format(sql_type))
    note = model_of("note", a=to(User), b=to(User), m=models.IntegerField(null=True))
    rule = Combine(Merge({"m": Sum()}))
    entry = DataType("Notes", note, (Column("a"), Column("b")), rule, "Notes.")
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    for number, (letters, value) in enumerate(rows, 1):
        a, b = (people[letter].pk for letter in letters)
        execute("INSERT INTO note VALUES (%s, %s, %s, %s)", number, a, b, value)
    return known(entry, monkeypatch)


def values() -> list[str]:
    return [str(value) for value in query("SELECT m FROM {} ORDER BY id", "note")]


def transfers(people: People, entry: DataType, way: str) -> tuple[int, int]:
    """Run S→T and U→V, and return the transfer of each."""
    if way == "two":
        first, second = (transferred(people, entry, [pair]) for pair in people.pairs[:2])
        return first, second
    made = transferred(people, entry, people.pairs[:2], batches=2)
    return made, made


@pytest.mark.parametrize("way", ["two", "batches"])
@pytest.mark.parametrize("order", list(permutations("SU")))
@pytest.mark.parametrize(
    ("sql_type", "brought"),
    [("integer", (5, 3)), ("integer", (5, -3)), ("integer", (-5, 3)), ("interval", ("5 h", "-3 h"))],
)
def test_the_parts_of_a_sum_in_any_order(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, str],
    sql_type: str,
    brought: tuple[object, object],
    way: str,
) -> None:
    """S→T and U→V merge a note each into that of T and V."""
    rows = (("TV", "10 h" if sql_type == "interval" else 10), ("SV", brought[0]), ("TU", brought[1]))
    entry = sums(people, monkeypatch, *rows, sql_type=sql_type)
    before = rows_as_text([entry])
    made = dict(zip("SU", transfers(people, entry, way), strict=True))
    for source in order:
        [pair] = undo_all(made[source], sources=[people[source]])
        assert pair.reason == ""
        assert "added" not in pair.counts[entry.key]
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("order", list(permutations("SU")))
@pytest.mark.parametrize(("written", "failed"), [("m + 1", False), ("m - 1", True)])
def test_a_sum_that_people_changed_besides(
    people: People, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str], written: str, *, failed: bool
) -> None:
    entry = sums(people, monkeypatch, ("TV", 10), ("SV", 5), ("TU", -3))
    made = dict(zip("SU", transfers(people, entry, "two"), strict=True))
    execute(f"UPDATE note SET m = {written}")
    for source in order:
        [pair] = undo_all(made[source])
        assert ("1 record was changed" in pair.reason) == failed
        assert failed or pair.counts[entry.key]["added"] == 1
    assert values() == (["11"] if failed else ["11", "5", "-3"])


def test_a_sum_whose_part_was_left_by_another_undo(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """U→V was undone, but not for this note, because there is another one of T and U: its part is still in the sum."""
    entry = sums(people, monkeypatch, ("TV", 10), ("SV", 5), ("TU", -3))
    first, second = transfers(people, entry, "two")
    execute("INSERT INTO note VALUES (9, %s, %s, 0)", people["T"].pk, people["U"].pk)
    undo_all(second, leave_changed=True)
    [pair] = undo_all(first)
    assert (pair.reason, values()) == ("", ["7", "5", "0"])


@pytest.mark.parametrize("part", [3, -3])
def test_a_sum_whose_other_part_was_taken_back_before(
    people: People, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    entry = sums(people, monkeypatch, ("TV", 10), ("SV", 5), ("TU", part))
    undo_all(transferred(people, entry, people.pairs[1:2]))
    before = rows_as_text([entry])
    [pair] = undo_all(transferred(people, entry, people.pairs[:1]))
    assert (pair.reason, "added" in pair.counts[entry.key], rows_as_text([entry])) == ("", False, before)


def test_a_sum_with_a_part_that_was_transferred_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = sums(people, monkeypatch, ("TV", 10), ("SV", 5), ("TU", -3))
    before = rows_as_text([entry])
    first, second = transfers(people, entry, "two")
    [pair] = undo_all(second)
    assert (pair.reason, values()) == ("", ["15", "-3"])
    again = transferred(people, entry, people.pairs[1:2])
    for made in (first, again):
        [pair] = undo_all(made)
        assert pair.reason == ""
    assert rows_as_text([entry]) == before


def test_a_sum_whose_other_part_was_taken_back_between_two_transfers_of_a_pair(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U's part was in the sum when S→T ran, and no longer when its late arrivals were moved."""
    entry = sums(people, monkeypatch, ("TV", 10), ("SV", 5), ("TU", -3))
    first, second = transfers(people, entry, "two")
    undo_all(second)
    execute("INSERT INTO note VALUES (9, %s, %s, 7)", people["S"].pk, people["V"].pk)
    late = transferred(people, entry, people.pairs[:1], late=True)
    change("ALTER TABLE note DROP CONSTRAINT note_a_id_b_id_key")  # both notes of S return
    [pair] = undo_all(first, late)
    assert (pair.reason, values()) == ("", ["10", "5", "-3", "7"])


@pytest.mark.parametrize("leave_changed", [False, True])
@pytest.mark.parametrize(("then", "since"), [(Max(), Sum()), (Sum(), Max())])
def test_a_fold_that_was_changed_since(
    people: People, monkeypatch: pytest.MonkeyPatch, then: Fold, since: Fold, *, leave_changed: bool
) -> None:
    """Only of a sum, as the journal says, can S's part be taken out of what people wrote since."""
    entry = sums(people, monkeypatch, ("TX", 3), ("SX", 5))
    entry = known(replace(entry, rule=Combine(Merge({"m": then}))), monkeypatch)
    made = transferred(people, entry, people.pairs[:1])
    entry = known(replace(entry, rule=Combine(Merge({"m": since}))), monkeypatch)
    execute("UPDATE note SET m = m + 2")
    [pair] = undo_all(made, leave_changed=leave_changed)
    if isinstance(then, Sum):
        assert (pair.reason, values()) == ("", ["5", "5"])
    else:
        assert (pair.state == PairState.FAILED, values()) == (not leave_changed, ["7"])
        assert not leave_changed or ("(1)", "changed") in UndoConflict.objects.values_list("key", "why")


def test_a_sum_whose_column_is_a_text_by_now(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = sums(people, monkeypatch, ("TX", 3), ("SX", 5))
    before = rows_as_text([entry])
    made = transferred(people, entry, people.pairs[:1])
    change("ALTER TABLE note ALTER m TYPE text")
    execute("UPDATE note SET m = 'many'")
    [pair] = undo_all(made)
    assert "1 record was changed" in pair.reason
    execute("UPDATE note SET m = '8'")
    [pair] = undo_all(made)
    assert (pair.reason, rows_as_text([entry])) == ("", before)


def test_a_record_that_people_gave_back_before_it_was_moved_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is where it was before each of the two transfers, so the earlier one has nothing to restore."""
    change("CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint NOT NULL)")
    note = model_of("note", owner=to(User))
    entry = known(DataType("Notes", note, (Column("owner"),), Combine(), "Notes."), monkeypatch)
    execute("INSERT INTO note VALUES (1, %s)", people["S"].pk)
    before = rows_as_text([entry])
    first = transferred(people, entry, people.pairs[:1])
    execute("UPDATE note SET owner_id = %s", people["S"].pk)
    late = transferred(people, entry, people.pairs[:1], late=True)
    [pair] = undo_all(first, late)
    assert (pair.reason, pair.counts) == ("", {entry.key: {"returned": 1}})
    assert (rows_as_text([entry]), UndoConflict.objects.count()) == (before, 0)


@pytest.mark.parametrize("before", [None, 1])
def test_a_merged_value_that_people_changed_together_with_the_second_user(
    people: People, monkeypatch: pytest.MonkeyPatch, before: int | None
) -> None:
    """The record stays as people left it, also if it had no value before the merge."""
    entry = sums(people, monkeypatch, ("TS", before), ("SX", 5))
    change("ALTER TABLE note DROP CONSTRAINT note_a_id_b_id_key; CREATE UNIQUE INDEX once ON note (a_id)")
    made = transferred(people, entry, people.pairs[:1])
    execute("UPDATE note SET b_id = %s, m = 2", people["V"].pk)
    [pair] = undo_all(made, leave_changed=True)
    assert (pair.state, values()) == (PairState.SUCCEEDED, ["2"])
    assert query("SELECT b_id FROM {}", "note") == [people["V"].pk]


def test_a_value_that_people_took_back_before_more_was_merged(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merged values are not lost: both notes of S return."""
    change("CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint NOT NULL UNIQUE, m integer)")
    note = model_of("note", owner=to(User), m=models.IntegerField())
    rule = Combine(Merge({"m": Max()}))
    entry = known(DataType("Notes", note, (Column("owner"),), rule, "Notes."), monkeypatch)
    monkeypatch.setattr(journal, "by_key", lambda key: entry)
    S, T = people["S"].pk, people["T"].pk
    execute("INSERT INTO note VALUES (1, %s, 1), (2, %s, 5)", T, S)
    first = transferred(people, entry, people.pairs[:1])
    execute("UPDATE note SET m = 1")
    execute("INSERT INTO note VALUES (3, %s, 7)", S)
    late = transferred(people, entry, people.pairs[:1], late=True)
    change("ALTER TABLE note DROP CONSTRAINT note_owner_id_key")
    [pair] = undo_all(first, late)
    assert (pair.state, values()) == (PairState.SUCCEEDED, ["1", "5", "7"])
