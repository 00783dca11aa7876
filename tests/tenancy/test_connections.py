"""Settings of the application's new database connections."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.doctor import postgresql
from operations.monitoring import health
from tenancy import checks
from tenancy.postgresql.base import SESSION_SETTINGS

Connect = Callable[..., BaseDatabaseWrapper]


@pytest.fixture
def connect(db: None) -> Iterator[Connect]:
    """Return a function that opens a second connection, with settings like those of ALTER ROLE … SET."""
    made: list[BaseDatabaseWrapper] = []

    def open_one(**settings: str) -> BaseDatabaseWrapper:
        fresh = connections.create_connection("default")
        fresh.inc_thread_sharing()
        made.append(fresh)
        words = "".join(f" -c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
        options = fresh.settings_dict["OPTIONS"]
        fresh.settings_dict = fresh.settings_dict | {
            "OPTIONS": options | {"options": options["options"] + words}
        }
        return fresh

    yield open_one
    for fresh in made:
        fresh.close()


@pytest.mark.parametrize("autocommit", [True, False])
def test_jit_is_off(connect: Connect, autocommit: bool) -> None:
    """The setting applies to the session, so a later rollback does not undo it."""
    fresh = connect()
    fresh.settings_dict = fresh.settings_dict | {"AUTOCOMMIT": autocommit}
    with fresh.cursor() as cursor:
        fresh.rollback() if not autocommit else None
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'")
        assert cursor.fetchone() == ("off", "session")


BREAKING = {
    "row_security": "off",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "extra_float_digits": "-10",
    "xmloption": "document",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
}


@pytest.mark.parametrize("name", BREAKING)
def test_settings_of_the_role_that_would_break_the_site_are_replaced(connect: Connect, name: str) -> None:
    with connect(**{name: BREAKING[name]}).cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (SESSION_SETTINGS[name],)


def test_statements_mean_the_same_with_all_of_them(connect: Connect) -> None:
    with connect(**BREAKING).cursor() as cursor:
        cursor.execute(
            "SELECT '2026-02-01'::date, interval '1 day', NULL = NULL, '{NULL}'::int[], quote_ident('a'), 0.1::float8,"
            r" E'\\001'::bytea, '\', current_setting('transaction_isolation')"
        )
        found = cursor.fetchone()
    assert found[:6] == (date(2026, 2, 1), timedelta(days=1), None, [None], "a", 0.1)
    assert bytes(found[6]) == b"\1"
    assert found[7:] == ("\\", "read committed")
    with connect(**BREAKING).cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user")


def test_a_search_path_without_the_tables_is_reported_in_words(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = connect(search_path="pg_temp")
    for module in (checks, postgresql, health):
        monkeypatch.setattr(module, "connection", lost)
    for known in (False, True):  # before and after this process has served pages
        monkeypatch.setattr(health, "migrated", known)
        assert health.findings()["migrations"] == health.MISSING
    (message,) = checks.check_row_level_security(None, databases=["default"])
    assert message.id == "tenancy.E009"
    assert "The tables are in the schema public, which is not in the search_path of" in message.msg
    assert "RESET search_path" in message.hint
    assert "tenancy.E009" in [finding.id for finding in postgresql.findings()]
