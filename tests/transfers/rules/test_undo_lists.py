"""A list of users that two batches changed is divided between their pairs, whatever else each changed of the record."""

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.fixtures import cast
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.rules import ArrayColumn, Column, Combine, DataType, KeepSource, Rename


@pytest.mark.parametrize("first", ["S", "U"])
@pytest.mark.parametrize("leave_changed", [False, True])
def test_a_record_that_one_of_the_batches_renamed(
    people: People, monkeypatch: pytest.MonkeyPatch, first: str, *, leave_changed: bool
) -> None:
    change(
        "CREATE TABLE ticket (id integer PRIMARY KEY, a_id bigint, name text, list bigint[], UNIQUE (a_id, name))"
    )
    ticket = model_of(
        "ticket", a=to(User), name=models.TextField(), list=ArrayField(models.BigIntegerField())
    )
    owners = Column("a"), ArrayColumn("list")
    entry = known(DataType("Tickets", ticket, owners, Combine(Rename("name")), "Tickets."), monkeypatch)
    s, t, u, v = (people[letter].pk for letter in "STUV")
    execute("INSERT INTO ticket VALUES (1, %s, 'same', %s), (2, %s, 'same', NULL)", s, [u, s], t)
    before = rows_as_text([entry])
    made = transferred(people, entry, people.pairs, batches=2)
    assert query("SELECT name FROM {} ORDER BY id", "ticket") == ["same (2)", "same"]
    [pair] = undo_all(made, sources=[people[first]], leave_changed=leave_changed)
    assert pair.reason == ""
    found = query("SELECT ARRAY[a_id, list[1], list[2]] FROM {} WHERE id = 1", "ticket")
    assert found == [[s, v, s] if first == "S" else [t, u, t]]
    undo_all(made, sources=[people["U" if first == "S" else "S"]], leave_changed=leave_changed)
    assert rows_as_text([entry]) == before


@pytest.mark.parametrize("key", ["id", "a_id, b_id"])
@pytest.mark.parametrize("alone", [True, False])
def test_lists_of_records_that_had_one_key_one_after_the_other(
    people: People, monkeypatch: pytest.MonkeyPatch, key: str, *, alone: bool
) -> None:
    """S→T changes the list of TV. U→V puts TU in its place, and X→Y changes the list of that."""
    people.users["Y"] = cast.person(people.here, "Yara Young", employee_id="E-Y", external_id="150")
    columns = "id integer, a_id bigint, b_id bigint, list bigint[]"
    change(f"CREATE TABLE tie ({columns}, PRIMARY KEY ({key}), UNIQUE (a_id, b_id))")
    fields = {"id": models.IntegerField(primary_key=True), "a": to(User), "b": to(User)}
    if key != "id":
        fields |= {"id": models.IntegerField(), "pk": models.CompositePrimaryKey("a", "b")}
    fields["list"] = ArrayField(models.BigIntegerField())
    owners = Column("a"), Column("b"), ArrayColumn("list")
    entry = known(
        DataType("Ties", model_of("tie", **fields), owners, Combine(KeepSource()), "T."), monkeypatch
    )
    s, t, u, v, x, y = (people[letter].pk for letter in "STUVXY")
    execute("INSERT INTO tie VALUES (1, %s, %s, %s), (2, %s, %s, %s)", t, v, [s, y], t, u, [t, x])
    before = rows_as_text([entry])
    made = transferred(people, entry, [*people.pairs, (people["X"], people["Y"])], batches=3)
    assert query("SELECT list FROM {}", "tie") == [[t, y]]
    if alone:
        [pair] = undo_all(made, sources=[people["X"]])
        assert (pair.reason, query("SELECT list FROM {}", "tie")) == ("", [[t, x]])
    else:
        restore(made)
        assert rows_as_text([entry]) == before
