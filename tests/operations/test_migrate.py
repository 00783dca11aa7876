"""`migrate` on a site that is in use: it lets others through, and comes back."""

from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

from accounts.backends import find
from operations.management.commands import migrate
from tests.roles import as_owner
from tests.transfers.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)

LOCK = "LOCK TABLE transfers_transfer IN ACCESS EXCLUSIVE MODE"
CHANGE = "ALTER TABLE transfers_transfer ADD COLUMN made_up int"
BACK = "ALTER TABLE transfers_transfer DROP COLUMN IF EXISTS made_up"


@pytest.fixture
def somebody() -> Any:
    """Another session of the same database."""
    parameters = connection.get_connection_params()
    parameters = {
        name: value for name, value in parameters.items() if name not in ("cursor_factory", "context")
    }
    with psycopg.connect(**parameters) as session:
        yield session


@pytest.fixture
def changes(as_owner: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """The core command is made to change a table, as a migration would."""
    settings.MIGRATION_LOCK_TIMEOUT = "100ms"
    tried: list[str] = []

    def handle(self: Any, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            tried.append(cursor.fetchone()[0])
            cursor.execute(CHANGE)

    monkeypatch.setattr(migrate.Migrate, "handle", handle)
    monkeypatch.setattr(migrate, "PAUSE", 0)
    yield tried
    with connection.cursor() as cursor:
        cursor.execute(BACK)


def limit_now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_it_comes_back_when_the_table_is_free(
    somebody: Any, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody.execute(LOCK)
    monkeypatch.setattr("time.sleep", lambda seconds: somebody.rollback())
    call_command("migrate", stderr=StringIO())
    assert changes == ["100ms", "100ms"]
    assert limit_now() == "0"


def test_it_gives_up_with_a_sentence(
    somebody: Any, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "TRIES", 3)
    somebody.execute(LOCK)
    with pytest.raises(CommandError, match="A table was in use each of 3 times"):
        call_command("migrate", stderr=StringIO())
    assert len(changes) == 3
    assert limit_now() == "0"
    somebody.rollback()


@pytest.mark.django_db
def test_people_sign_in_while_it_is_at_it_and_after_it_has_failed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done before its first migration is not taken back, so it must take nothing away from the site."""
    plan = [(Migration("later", "accounts"), False)]

    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args, **options: plan)
    monkeypatch.setattr(MigrationExecutor, "migrate", fail)
    with as_owner(), pytest.raises(RuntimeError, match="in the middle"):
        call_command("migrate", verbosity=0)
    assert find("Ada.Admin") == cast.ada


def test_ours_is_the_one_that_runs() -> None:
    assert get_commands()["migrate"] == "operations"
