"""How an undo writes: sums, domains, foreign keys and triggers that are in the way of the rows that return."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.fixtures.roles import as_owner
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import insert, type_of, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from transfer_site.run.embedded import APPLICATION
from transfers.engine.failures.reasons import explain


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def refers_to_secret(people: People) -> int:
    """T's slot refers to a row of a table that the application may not read. Returns the ID of the transfer."""
    with as_owner():
        execute("CREATE TABLE secret (id bigint PRIMARY KEY); INSERT INTO secret VALUES (7)")
        execute(f"REVOKE ALL ON secret FROM {APPLICATION}")
        execute("ALTER TABLE smallapp_sched ADD secret_id bigint REFERENCES secret")
    for number, letter in enumerate("TS", start=1):
        row = {"id": number, "owner_id": people[letter].pk, "slot": 1, "v": 1, "secret_id": 7}
        insert("smallapp_sched", [row])
    return run_after_leaving(people, people.pairs[:1], "smallapp_sched")


def test_a_row_that_refers_to_a_table_that_may_not_be_read(people: People, refers_to_secret: int) -> None:
    restore(refers_to_secret)
    assert [row.split(",")[0] for row in rows_as_text([type_of("smallapp_sched")])["smallapp_sched"]] == [
        "(1",
        "(2",
    ]


def test_what_it_refers_to_is_gone(people: People, refers_to_secret: int) -> None:
    execute("UPDATE smallapp_sched SET secret_id = NULL")
    with as_owner():
        execute("SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM secret")
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        undo_all(refers_to_secret)
    assert (
        "a record would refer to one that does not exist (table smallapp_sched" in explain(error.value).reason
    )
