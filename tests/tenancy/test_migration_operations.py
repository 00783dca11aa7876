"""Building an index on a table in use waits for open transactions, although `migrate` has a short lock timeout."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, connection, models

from tenancy.postgresql.migration_operations import AddIndexPatiently, is_valid_index
from tests.conftest import reachable_test_database
from transfer_site.run.processes import wait_until

NAME = "made_up"
STATE = SimpleNamespace(apps=apps)
# Long enough to take a free lock, but only a fifth of the time for which the open transaction blocks the build.
LOCK_TIMEOUT = "200ms"
WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE clock_timestamp() - waitstart > interval '1 second')"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_transaction() -> Iterator[Any]:
    """Another session's open transaction, which has locked the table as a write does."""
    with psycopg.connect(reachable_test_database()) as session:
        session.execute("LOCK TABLE accounts_team IN ROW EXCLUSIVE MODE")
        yield session


@pytest.fixture
def short_lock_timeout(as_owner: None) -> Iterator[None]:
    """Give the owner's connection a lock timeout, as `migrate` does, but a shorter one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        yield
        cursor.execute("RESET lock_timeout; DROP INDEX IF EXISTS made_up")


def build(operation: type[AddIndexConcurrently]) -> None:
    with connection.schema_editor(atomic=False) as editor:
        index = models.Index("name", name=NAME)
        operation("team", index).database_forwards("accounts", editor, STATE, STATE)


def end_once_the_build_waits(session: Any) -> threading.Thread:
    def watch() -> None:
        wait_until(lambda: session.execute(WAITING).fetchone()[0], 240)
        session.rollback()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_it_waits_for_open_transactions_and_drops_an_invalid_index(
    open_transaction: Any, short_lock_timeout: None
) -> None:
    with pytest.raises(OperationalError, match="lock timeout"):
        build(AddIndexConcurrently)
    assert is_valid_index(connection, NAME) is False
    watching = end_once_the_build_waits(open_transaction)
    build(AddIndexPatiently)
    watching.join()
    assert is_valid_index(connection, NAME) is True
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == (LOCK_TIMEOUT,)


def test_a_valid_index_of_an_earlier_attempt_is_kept(short_lock_timeout: None) -> None:
    build(AddIndexPatiently)
    build(AddIndexPatiently)
    assert is_valid_index(connection, NAME) is True
