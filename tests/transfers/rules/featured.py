"""Tables of other systems with a feature that a test makes up: their rows, a run, and how it ends."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, models, transaction
from django.test.utils import isolate_apps

from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import rows_as_text
from transfers.rules import DataType


def change(statements: str) -> None:
    running.change_tables(f"SET CONSTRAINTS ALL IMMEDIATE; {statements}")


def model_of(table: str, **fields: models.Field) -> type[models.Model]:
    """Return an unmanaged model of a table that a test has made."""
    meta = type("Meta", (), {"app_label": "smallapp", "managed": False, "db_table": table})
    with isolate_apps("tests.apps.smallapp"):
        return type(table.title(), (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def to(parent: type[models.Model], **options: Any) -> models.ForeignKey:
    return models.ForeignKey(parent, models.DO_NOTHING, related_name="+", **options)


def put(people: People, table: str, *rows: Sequence[Any], columns: str = "owner") -> DataType:
    """Insert rows, each with the letter of its owner and the values of the further columns."""
    entry = running.type_of(table)
    for number, (letter, *values) in enumerate(rows, start=1):
        owner, *others = columns.split()
        given = {"id": number, owner: people[letter].pk, **dict(zip(others, values, strict=True))}
        running.insert(table, [running.whole_row(entry.model, **given)])
    return entry


def run(people: People, entry: DataType) -> running.Ran:
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.counts == ran.predicted
    return ran


def owners(people: People, ran: running.Ran, table: str, column: str = "owner_id") -> dict[int, str]:
    letters = {user.pk: letter for letter, user in people.users.items()}
    return {row["id"]: letters[row[column]] for row in ran.world[table]}


def failure(people: People, entry: DataType) -> str:
    """Run the pairs, assert that nothing changed, and return the database's message."""
    before = rows_as_text([entry])
    with running.only(entry), pytest.raises(DatabaseError) as error, transaction.atomic():
        running.run_pairs(people.by, people.pairs, [entry])
    assert rows_as_text([entry]) == before
    return str(error.value.__cause__ or error.value)


def refusal(message_id: str) -> str:
    [found] = [message.msg for message in run_checks(databases=["default"]) if message.id == message_id]
    return str(found)


def errors_at_start() -> list[str]:
    """Return the messages of all start-up checks that stop the start."""
    return [message.msg for message in run_checks(databases=["default"]) if message.is_serious()]


def warnings_at_start() -> list[str]:
    return [message.msg for message in run_checks(databases=["default"]) if not message.is_serious()]
