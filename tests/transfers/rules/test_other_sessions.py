"""Other sessions alter tables or edit rows while a batch runs."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import models

from accounts.models import User
from tenancy.context import ALL_TENANTS, TENANT_SETTING
from tests.conftest import reachable_test_database
from tests.fixtures import cast
from tests.transfers.rules import running
from tests.transfers.rules.featured import change, model_of, to
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute
from tests.transfers.rules.test_undo_keys import known
from transfer_site.run.processes import wait_until
from transfers.engine import batch
from transfers.engine.worker import work_on
from transfers.models import State
from transfers.rules import Child, Column, Combine, DataType, KeepTarget

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = """
    CREATE TABLE note (id bigint PRIMARY KEY, owner_id bigint, k integer, UNIQUE (owner_id, k));
    CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint REFERENCES note, v text);
    CREATE TABLE line (id bigint PRIMARY KEY, note_id bigint);
"""


def connected(*, autocommit: bool = False) -> psycopg.Connection:
    other = psycopg.connect(reachable_test_database(), autocommit=autocommit)
    other.execute("SET ROLE none")
    other.execute("SELECT set_config(%s, %s, false)", [TENANT_SETTING, ALL_TENANTS])
    return other


@pytest.fixture
def notes(people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataType]:
    change(TABLES)
    for number, letter in ((1, "S"), (2, "T")):
        execute("INSERT INTO note VALUES (%s, %s, 1)", number, people[letter].pk)
    execute("INSERT INTO page VALUES (1, 1, 'a'), (2, 1, 'b')")
    note = model_of("note", owner=to(User), k=models.IntegerField())
    children = (Child(model_of("page", note=to(note), v=models.TextField()), "note"),)
    yield known(
        DataType("Notes", note, (Column("owner"),), Combine(KeepTarget()), "Notes.", children=children),
        monkeypatch,
    )
    change("DROP TABLE note, page, line CASCADE")


ALTERING = {
    "a column": "ALTER TABLE page ADD extra integer DEFAULT 5",
    "a column in the place of another one": "ALTER TABLE page DROP v, ADD code text DEFAULT 'c'",
    "hidden rows": "ALTER TABLE note ENABLE ROW LEVEL SECURITY",
    "a foreign key that empties references": "ALTER TABLE line ADD FOREIGN KEY (note_id) REFERENCES note"
    " ON DELETE SET NULL",
    "a trigger": "CREATE TRIGGER t BEFORE UPDATE ON page"
    " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a unique key": "CREATE UNIQUE INDEX ON page (note_id, v)",
}


@pytest.mark.parametrize("undoes", [False, True])
def test_tables_are_altered_before_a_batch_or_after_it(
    people: People, notes: DataType, monkeypatch: pytest.MonkeyPatch, *, undoes: bool
) -> None:
    """A batch is compiled for the tables as they are. Meanwhile rows can still be written."""
    waited: list[str] = []

    def try_to_alter() -> None:
        with connected() as other:
            other.execute("SET lock_timeout = '50ms'")
            other.execute("UPDATE page SET v = 'new' WHERE id = 2")
            other.commit()
            for name, statement in ALTERING.items():
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(statement)
                other.rollback()
                waited.append(name)

    name = "undo_records" if undoes else "move_records"
    real = getattr(batch, name)

    def records(*given: Any, **how: Any) -> None:
        try_to_alter()
        real(*given, **how)

    monkeypatch.setattr(batch, name, records)
    monkeypatch.setattr(running, "types_moved_by", lambda transfer_ids: [notes])
    with running.only(notes):
        made = running.run_pairs(people.by, people.pairs[:1], [notes]).transfer_id
        if undoes:
            running.undo_all(made)
    assert waited == [*ALTERING]


def test_a_child_that_is_edited_before_it_is_re_pointed(people: People, notes: DataType) -> None:
    """The statement finds its former version only, so the parent cannot be deleted; the pair is tried again."""
    transfer = cast.transfer(people.by, people.pairs[0], state=State.RUNNING)
    with connected() as editing, connected(autocommit=True) as watching:
        editing.execute("UPDATE page SET v = 'new' WHERE id = 1")

        def is_waited_for() -> bool:
            found = watching.execute(
                "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
                [editing.info.backend_pid],
            )
            return found.fetchone() is not None

        def save() -> None:
            wait_until(is_waited_for, 60)
            editing.commit()

        saving = threading.Thread(target=save)
        saving.start()
        with running.only(notes):
            work_on(transfer.pk)
        saving.join()
    pair = transfer.pairs.get()
    assert (pair.state, pair.reason) == ("succeeded", "")
    assert running.query("SELECT v || note_id FROM {} ORDER BY id", "page") == ["new2", "b2"]
