"""Settings of the application's new database connections."""

from collections.abc import Iterator

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@pytest.fixture
def fresh(db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second database connection, in addition to the test's own."""
    made = connections.create_connection("default")
    made.inc_thread_sharing()
    yield made
    made.close()


@pytest.mark.parametrize("autocommit", [True, False])
def test_jit_is_off(fresh: BaseDatabaseWrapper, autocommit: bool) -> None:
    """The setting applies to the session, so a later rollback does not undo it."""
    fresh.settings_dict = fresh.settings_dict | {"AUTOCOMMIT": autocommit}
    with fresh.cursor() as cursor:
        fresh.rollback() if not autocommit else None
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'")
        assert cursor.fetchone() == ("off", "session")
