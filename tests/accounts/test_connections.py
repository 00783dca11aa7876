"""What every connection of the application begins with."""

from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@pytest.fixture
def fresh(db: None) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own beside that of the test."""
    made = connections.create_connection("default")
    made.inc_thread_sharing()
    yield made
    made.close()


@pytest.mark.parametrize("autocommit", [True, False])
def test_statements_are_not_compiled(fresh: BaseDatabaseWrapper, autocommit: bool) -> None:
    """A rollback keeps the setting: it is the session's."""
    fresh.settings_dict = fresh.settings_dict | {"AUTOCOMMIT": autocommit}
    with fresh.cursor() as cursor:
        fresh.rollback() if not autocommit else None
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'")
        assert cursor.fetchone() == ("off", "session")
