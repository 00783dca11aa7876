"""A database created by different migrations with the same names is refused; one of a newer release is accepted."""

import re
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.checks import ERROR, INFO
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from psycopg import sql
from pytest_django import Settings

from operations import fingerprints
from operations.doctor import postgresql
from operations.monitoring import health
from tests.fixtures.roles import as_owner
from tests.harness.databases import (
    environment,
    execute,
    run_python,
    scratch_database,
)
from transfer_site.run import supervisor
from transfer_site.run.processes import Refusal

FIRST = Path(__file__).parents[2] / "audit" / "migrations" / "0001_first.py"
OTHER_CONTENT = "UPDATE operations_fingerprint SET fingerprint = 'of another' WHERE app = 'transfers'"
NO_FINGERPRINTS = "DROP TABLE operations_fingerprint"
NEWER = """
INSERT INTO django_migrations (app, name, applied) VALUES ('transfers', '9999_of_tomorrow', now());
INSERT INTO operations_fingerprint VALUES ('transfers', '9999_of_tomorrow', 'unknown');
"""


# --- Fingerprints of files -------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(FIRST.with_name("0001_audit.sql"), tmp_path)
    return Path(shutil.copy(FIRST, tmp_path))


def edit(file: Path, old: str, new: str) -> str:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return fingerprints.of_file(file.with_name("0001_first.py"))


def test_comments_docstrings_and_layout_do_not_count(copy: Path) -> None:
    same = fingerprints.of_file(FIRST)
    assert edit(copy, "# The triggers and functions", "# Some triggers and functions") == same
    assert (
        edit(
            copy,
            "class Migration(migrations.Migration):",
            "class Migration(migrations.Migration):\n    'It.'\n",
        )
        == same
    )
    assert edit(copy, 'name="AuditSeal",\n', "name=\n  'AuditSeal',\n\n") == same
    copy.with_name("0001_audit.sql").write_text(
        "-- Of the audit log.\n\n" + FIRST.with_name("0001_audit.sql").read_text()
    )
    assert fingerprints.of_file(copy) == same


def test_changed_content_of_either_file_counts(copy: Path) -> None:
    same = fingerprints.of_file(FIRST)
    assert edit(copy, "max_length=40", "max_length=41") != same
    shutil.copy(FIRST, copy)
    assert fingerprints.of_file(copy) == same
    assert edit(copy.with_name("0001_audit.sql"), "RETURNS trigger", "RETURNS  event_trigger") != same


# --- Health, doctor, migrate ------------------------------------------------------------------------------------------


@pytest.fixture
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", False)


def change(statement: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", [OTHER_CONTENT, NO_FINGERPRINTS])
def test_health_and_doctor_report_a_mismatch(uncached: None, statement: str, settings: Settings) -> None:
    assert health.migrations()
    health.migrated = False
    change(statement)
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["migrations"]) == (503, "missing")
    finding = postgresql.migrations()
    assert finding.level == ERROR
    assert re.search(r"different content in migration (transfers|accounts)\.0001_first", finding.msg)
    assert "Run the version that created the database" in finding.hint
    settings.DEMO = True
    assert f"Move or remove {settings.DATA_DIR}" in postgresql.migrations().hint


@pytest.mark.django_db
def test_a_database_of_a_newer_release_is_accepted(uncached: None) -> None:
    """During an upgrade and after a rollback of the code, old web processes use the new database."""
    change(NEWER)
    assert health.migrations()
    assert postgresql.migrations().level == INFO
    with as_owner():
        call_command("migrate", "--plan", stdout=StringIO())


@pytest.mark.django_db
def test_an_app_with_only_unknown_migrations_is_a_mismatch(uncached: None) -> None:
    change("UPDATE django_migrations SET name = '0001_initial' WHERE app = 'quality'")
    assert fingerprints.mismatches(connection) == ["quality.0001_first"]


@pytest.mark.django_db
@pytest.mark.parametrize("words", [(), ("--plan",), ("--check",)])
def test_migrate_refuses_a_mismatch_before_any_change(words: tuple[str, ...]) -> None:
    change(OTHER_CONTENT)
    change("DELETE FROM django_migrations WHERE app = 'user_import'")
    with as_owner(), pytest.raises(CommandError, match="Nothing was changed") as refused:
        call_command("migrate", *words, verbosity=0)
    assert refused.value.returncode == fingerprints.OTHER_DATABASE
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations WHERE app = 'user_import'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_the_application_role_can_only_read_fingerprints() -> None:
    with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(OTHER_CONTENT)


# --- Start ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def site() -> Iterator[str]:
    with scratch_database("of_an_older_checkout") as name:
        yield name


@pytest.mark.slow
def test_a_start_refuses_a_mismatch_on_one_line(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mismatch in an unapplied migration is accepted, so that an interrupted first `migrate` can be continued."""
    assert run_python(site, "manage.py", "migrate", "accounts").returncode == 0
    execute(site, sql.SQL(OTHER_CONTENT))
    for _ in range(2):
        assert run_python(site, "manage.py", "migrate").returncode == 0
    execute(site, sql.SQL(OTHER_CONTENT))
    for name, value in environment(site).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refusal) as refused:
        supervisor.prepare(tmp_path)
    message = str(refused.value)
    assert message.startswith(
        "The database was created by another version of this code, with different content in migration"
        " transfers.0001_first."
    )
    assert "\n" not in message
