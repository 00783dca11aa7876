"""A list of users that two batches changed is divided between their pairs, whatever else each changed of the record."""

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, rows_as_text
from tests.transfers.rules.running import query, undo_all
from tests.transfers.rules.test_undo_keys import known, transferred
from transfers.rules import ArrayColumn, Column, Combine, DataType, Rename


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
