"""On a site in use, `migrate` gives way to other sessions and tries again."""

from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

from accounts.signing_in.backends import find_user
from operations.management.commands import migrate
from tests.fixtures.cast import Cast
from tests.fixtures.roles import as_owner

pytestmark = pytest.mark.django_db(transaction=True)

LOCK = "LOCK TABLE transfers_transfer IN ACCESS EXCLUSIVE MODE"
CHANGE = "ALTER TABLE transfers_transfer ADD COLUMN made_up int"
BACK = "ALTER TABLE transfers_transfer DROP COLUMN IF EXISTS made_up"


@pytest.fixture
def other_session() -> Any:
    """A second session in the same database."""
    parameters = connection.get_connection_params()
    parameters = {
        name: value for name, value in parameters.items() if name not in ("cursor_factory", "context")
    }
    with psycopg.connect(**parameters) as session:
        yield session


@pytest.fixture
def changes(as_owner: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """Make Django's `migrate` alter a table, as a migration would; yield the lock timeouts of its attempts."""
    settings.MIGRATION_LOCK_TIMEOUT = "100ms"
    lock_timeouts: list[str] = []

    def handle(self: Any, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            lock_timeouts.append(cursor.fetchone()[0])
            cursor.execute(CHANGE)

    monkeypatch.setattr(migrate.Migrate, "handle", handle)
    monkeypatch.setattr(migrate, "PAUSE", 0)
    yield lock_timeouts
    with connection.cursor() as cursor:
        cursor.execute(BACK)


def current_lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_it_tries_again_after_the_lock_is_released(
    other_session: Any, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other_session.execute(LOCK)
    monkeypatch.setattr("time.sleep", lambda seconds: other_session.rollback())
    call_command("migrate", stderr=StringIO())
    assert changes == ["100ms", "100ms"]
    assert current_lock_timeout() == "0"


def test_it_gives_up_with_an_explanation(
    other_session: Any, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "TRIES", 3)
    other_session.execute(LOCK)
    with pytest.raises(CommandError, match="A table was in use at each of 3 attempts"):
        call_command("migrate", stderr=StringIO())
    assert len(changes) == 3
    assert current_lock_timeout() == "0"
    other_session.rollback()


@pytest.mark.django_db
def test_users_can_sign_in_during_and_after_a_failed_migrate(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes that `migrate` makes before the first migration are not rolled back, so they must not break the site."""
    plan = [(Migration("later", "accounts"), False)]

    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args, **options: plan)
    monkeypatch.setattr(MigrationExecutor, "migrate", fail)
    with as_owner(), pytest.raises(RuntimeError, match="in the middle"):
        call_command("migrate", verbosity=0)
    assert find_user("Ada.Admin") == cast.ada


def test_the_command_of_operations_wins() -> None:
    assert get_commands()["migrate"] == "operations"
