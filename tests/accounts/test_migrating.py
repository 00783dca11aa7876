"""An index of a table in use: `migrate` waits no longer than a moment for a lock, and its build waits for everybody."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, connection, models

from accounts.postgresql.migrating import AddIndexPatiently, is_whole
from tests.conftest import reachable_test_database
from transfer_site.processes import wait_until

NAME = "made_up"
STATE = SimpleNamespace(apps=apps)
# Long enough for the locks that are given in a moment, and five times over before whoever is at work makes room.
LOCK_TIMEOUT = "200ms"
SOMEBODY_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE clock_timestamp() - waitstart > interval '1 second')"
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at_work() -> Iterator[Any]:
    """Somebody whose transaction has written to the table and is not at its end."""
    with psycopg.connect(reachable_test_database()) as session:
        session.execute("LOCK TABLE accounts_team IN ROW EXCLUSIVE MODE")
        yield session


@pytest.fixture
def impatient(as_owner: None) -> Iterator[None]:
    """As `migrate` makes its connection, only that it gives up sooner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        yield
        cursor.execute("RESET lock_timeout; DROP INDEX IF EXISTS made_up")


def build(operation: type[AddIndexConcurrently]) -> None:
    with connection.schema_editor(atomic=False) as editor:
        index = models.Index("name", name=NAME)
        operation("team", index).database_forwards("accounts", editor, STATE, STATE)


def end_once_somebody_waits(session: Any) -> threading.Thread:
    def watch() -> None:
        wait_until(lambda: session.execute(SOMEBODY_WAITS).fetchone()[0], 10)
        session.rollback()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_it_waits_for_who_is_at_work_and_clears_away_what_was_broken_off(
    at_work: Any, impatient: None
) -> None:
    with pytest.raises(OperationalError, match="lock timeout"):
        build(AddIndexConcurrently)
    assert is_whole(connection, NAME) is False
    watching = end_once_somebody_waits(at_work)
    build(AddIndexPatiently)
    watching.join()
    assert is_whole(connection, NAME) is True
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == (LOCK_TIMEOUT,)


def test_what_an_earlier_try_has_built_stays(impatient: None) -> None:
    build(AddIndexPatiently)
    build(AddIndexPatiently)
    assert is_whole(connection, NAME) is True
