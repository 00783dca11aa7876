"""What an undo takes for a stamp: a time that a trigger writes with each change, whatever there was before."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.rules import Column, Combine, DataType, KeepTarget

OLD = defaultdict(lambda: "'2001-02-03'", time="'10:20'")


def notes(people: People, monkeypatch: pytest.MonkeyPatch, kind: str, times: Sequence[str]) -> DataType:
    """Notes of X with these times, and those of S and T with the same name, of which that of T has the first time."""
    change(f"CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, name text, made {kind})")
    change("CREATE UNIQUE INDEX ON note (owner_id, name)")
    given = [*(("X", time) for time in times), ("S", OLD[kind]), ("T", times[0])]
    for number, (letter, time) in enumerate(given):
        name = "a" if letter in "ST" else str(number)
        execute(f"INSERT INTO note VALUES (%s, %s, %s, {time})", number, people[letter].pk, name)
    note = model_of("note", owner=to(User), name=models.TextField())
    return known(DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes."), monkeypatch)


def stamps(inserted: str, updated: str) -> None:
    body = f"IF TG_OP = 'INSERT' THEN {inserted}; ELSE {updated}; END IF; RETURN NEW;"
    meddle("note", "BEFORE INSERT OR UPDATE", body)


KEEPS = "NEW.made = OLD.made"
KEEPS_SOME = f"IF OLD.name = '1' THEN {KEEPS}; ELSE NEW.made = now(); END IF"
SKIPS_SOME = "IF OLD.name = '1' THEN RETURN NULL; END IF; NEW.made = now()"
OTHERWISE_THERE = (
    "NEW.made = CASE WHEN OLD.name = 'a' THEN timestamptz '1999-01-01' ELSE clock_timestamp() END"
)
NOT_BEFORE_TODAY = "NEW.made = greatest(NEW.made, current_date)"
NOT_BEFORE_2020 = "NEW.made = greatest(NEW.made, date '2020-01-01')"
NOT_AFTER_2000 = "NEW.made = least(NEW.made, date '2000-01-01')"
NOT_BEFORE_NOON = "NEW.made = greatest(NEW.made, time '12:00')"


@pytest.mark.parametrize(
    ("kind", "inserted", "updated", "times"),
    [
        ("date", "NEW.made = current_date", KEEPS, ["current_date"]),
        ("date", "NEW.made = current_date", KEEPS, ["current_date", "'2010-01-01'"]),
        ("date", "NEW.made = '2020-01-01'", KEEPS, ["'2020-01-01'"]),
        ("timestamptz", "NEW.made = 'infinity'", KEEPS, ["'infinity'", "'2010-01-01'"]),
        ("timestamptz", "NEW.made = now()", KEEPS_SOME, ["'2010-01-01'"] * 3),
        ("timestamptz", "NEW.made = now()", SKIPS_SOME, ["'2010-01-01'"] * 3),
        ("timestamptz", "NEW.made = clock_timestamp()", KEEPS, ["clock_timestamp()"]),
        ("timestamptz", "NEW.made = clock_timestamp()", OTHERWISE_THERE, ["'2010-01-01'"]),
        ("date", NOT_BEFORE_TODAY, NOT_BEFORE_TODAY, ["'2010-01-01'"]),
        ("date", NOT_BEFORE_2020, NOT_BEFORE_2020, ["'2020-01-01'"]),
        ("timestamp", NOT_AFTER_2000, NOT_AFTER_2000, ["'2010-01-01'"]),
        ("timestamp", NOT_AFTER_2000, NOT_AFTER_2000, ["'infinity'"]),
        ("time", NOT_BEFORE_NOON, NOT_BEFORE_NOON, ["'13:00'"]),
    ],
)
def test_times_that_a_trigger_keeps_or_limits(
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    inserted: str,
    updated: str,
    times: Sequence[str],
) -> None:
    """One row, or one time that is tried, would let it pass for a stamp."""
    entry = notes(people, monkeypatch, kind, times)
    stamps(inserted, updated)
    made = transferred(people, entry, people.pairs[:1])
    with pytest.raises(TotalsMismatch, match="1 deleted records of note did not return as they were"):
        undo_all(made)


@pytest.mark.parametrize(
    ("kind", "stamp", "times"),
    [
        ("date", "current_date", ["current_date", "'2010-01-01'"]),
        ("timestamptz", "now()", ["now()", "'infinity'", "'2010-01-01'"]),
        ("timestamptz", "clock_timestamp()", ["clock_timestamp()", "'2010-01-01'"]),
        ("timestamp(0)", "statement_timestamp()", ["'2010-01-01'"]),
        ("time", "clock_timestamp()", ["'12:00'"]),
    ],
)
def test_times_that_a_trigger_stamps(
    people: People, monkeypatch: pytest.MonkeyPatch, kind: str, stamp: str, times: Sequence[str]
) -> None:
    """Some rows have the stamp already, which says nothing of the trigger."""
    entry = notes(people, monkeypatch, kind, times)
    before = without_time(entry)
    stamps(*[f"NEW.made = {stamp}"] * 2)
    restore(transferred(people, entry, people.pairs[:1]))
    assert without_time(entry) == before
    assert query(f"SELECT count(*) FROM {{}} WHERE made = {OLD[kind]}", "note") == [0]


def without_time(entry: DataType) -> list[str]:
    return [row.rpartition(",")[0] for row in rows_as_text([entry])["note"]]


def test_a_date_that_a_trigger_keeps_in_rows_that_come_back_to_a_partition(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows have the date of the transfer, which is that of the undo."""
    change(
        "CREATE TABLE note (id bigint, owner_id bigint, made date, PRIMARY KEY (id, owner_id))"
        " PARTITION BY LIST (owner_id)"
    )
    for letter in "ST":
        change(f"CREATE TABLE note_{letter} PARTITION OF note FOR VALUES IN ({people[letter].pk})")
    for number in (1, 2):
        execute(f"INSERT INTO note VALUES (%s, %s, {OLD['date']})", number, people["S"].pk)
    stamps("NEW.made = current_date", KEEPS)
    note = model_of("note", owner=to(User))
    entry = known(DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes."), monkeypatch)
    made = transferred(people, entry, people.pairs[:1])
    with pytest.raises(TotalsMismatch, match="records of note do not have the values that were restored"):
        undo_all(made)
