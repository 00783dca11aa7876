"""A record of which the partition is gone by now stays as it is; the others go back."""

import pytest
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.models import PairState, UndoConflict
from transfers.rules import Column, Combine, DataType, KeepTarget

BY_MONTH = """
CREATE TABLE visit (
    id bigint, owner_id bigint, month integer NOT NULL, PRIMARY KEY (id, month), UNIQUE (owner_id, month)
) PARTITION BY LIST (month);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES IN (1);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES IN (2);
"""


def visits(monkeypatch: pytest.MonkeyPatch) -> DataType:
    visit = model_of(
        "visit", id=models.BigIntegerField(primary_key=True), owner=to(User), month=models.IntegerField()
    )
    return known(DataType("Visits", visit, (Column("owner"),), Combine(KeepTarget()), "Visits."), monkeypatch)


def put(people: People, *rows: tuple[int, str, int]) -> None:
    for number, letter, month in rows:
        execute("INSERT INTO visit VALUES (%s, %s, %s)", number, people[letter].pk, month)


@pytest.mark.parametrize("leave_changed", [False, True])
@pytest.mark.parametrize("gone", ["DROP TABLE visit_1", "ALTER TABLE visit DETACH PARTITION visit_1"])
def test_the_partition_of_a_deleted_record_is_gone(
    people: People, monkeypatch: pytest.MonkeyPatch, gone: str, *, leave_changed: bool
) -> None:
    change(BY_MONTH)
    entry = visits(monkeypatch)
    put(people, (1, "S", 1), (2, "T", 1), (3, "S", 2))
    made = transferred(people, entry, people.pairs[:1])
    change(gone)
    [pair] = undo_all(made, leave_changed=leave_changed)
    assert [(row.key, row.why) for row in UndoConflict.objects.all()] == [("(1,1)", "no partition")]
    if leave_changed:
        assert pair.state == PairState.SUCCEEDED
        assert query("SELECT owner_id FROM {}", "visit") == [people["S"].pk]
    else:
        assert "1 record belongs to a partition that is gone" in pair.reason


@pytest.mark.parametrize("more", ["DEFAULT", "FOR VALUES IN (1, 7)"])
def test_another_partition_takes_the_record_now(
    people: People, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    change(BY_MONTH)
    entry = visits(monkeypatch)
    put(people, (1, "S", 1), (2, "T", 1))
    made = transferred(people, entry, people.pairs[:1])
    change(f"DROP TABLE visit_1; CREATE TABLE visit_3 PARTITION OF visit {more}")
    restore(made)
    assert query("SELECT id FROM {}", "visit") == [1]


@pytest.mark.parametrize("primary_key", ["PRIMARY KEY (id, month), ", ""])
def test_a_default_partition_alone_takes_every_record(
    people: People, monkeypatch: pytest.MonkeyPatch, primary_key: str
) -> None:
    table = BY_MONTH.split(";")[0].replace("PRIMARY KEY (id, month), ", primary_key)
    change(f"{table}; CREATE TABLE visit_1 PARTITION OF visit DEFAULT")
    entry = visits(monkeypatch)
    put(people, (1, "S", 1), (2, "T", 1))
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs[:1]))
    assert rows_as_text([entry]) == before


def test_the_partition_of_a_user_who_has_left_is_gone(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that moved would move back to it. Partitions of partitions count too."""
    s, t = people["S"].pk, people["T"].pk
    change(f"""
        CREATE TABLE visit (id bigint, owner_id bigint, month integer, PRIMARY KEY (id, owner_id))
            PARTITION BY LIST (owner_id);
        CREATE TABLE visit_s PARTITION OF visit FOR VALUES IN ({s}) PARTITION BY RANGE (id);
        CREATE TABLE visit_s_1 PARTITION OF visit_s FOR VALUES FROM (1) TO (10);
        CREATE TABLE visit_s_2 PARTITION OF visit_s FOR VALUES FROM (10) TO (20);
        CREATE TABLE visit_t PARTITION OF visit FOR VALUES IN ({t});
    """)
    entry = visits(monkeypatch)
    put(people, (1, "S", 1), (11, "S", 1))
    made = transferred(people, entry, people.pairs[:1])
    change("DROP TABLE visit_s_1")
    undo_all(made, leave_changed=True)
    assert [(row.key, row.why) for row in UndoConflict.objects.all()] == [(f"(1,{t})", "no partition")]
    assert query("SELECT ARRAY[id, owner_id] FROM {} ORDER BY id", "visit") == [[1, t], [11, s]]


@pytest.mark.parametrize("is_moved", [False, True])
def test_partitions_by_hash_of_a_column_of_a_domain(
    people: People, monkeypatch: pytest.MonkeyPatch, *, is_moved: bool
) -> None:
    """PostgreSQL accepts only the type of the column in this condition, not the one behind its domain."""
    change("""
        CREATE DOMAIN person AS bigint;
        CREATE TABLE visit (id bigint, owner_id person, month integer, PRIMARY KEY (id, owner_id),
            UNIQUE (owner_id, month)) PARTITION BY HASH (owner_id);
        CREATE TABLE visit_1 PARTITION OF visit FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE visit_2 PARTITION OF visit FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    """)
    entry = visits(monkeypatch)
    put(people, (1, "S", 1), *([] if is_moved else [(2, "T", 1)]))
    before = rows_as_text([entry])
    restore(transferred(people, entry, people.pairs[:1]))
    assert rows_as_text([entry]) == before
