"""Databases of earlier releases can be upgraded to this code without losing data, and faulty migrations are noticed."""

import re
import subprocess

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.harness.databases import (
    address,
    copied_database,
    execute,
    restore,
    run_python,
    scratch_database,
)
from tests.harness.upgrade.conftest import SETTINGS, Today
from tests.harness.upgrade.looking import lost, migrations_of, rows, structure
from tests.harness.upgrade.releases import CHANGED, FOLDER, OURS, RELEASED
from transfer_site.run.embedded import APPLICATION
from transfers.models import State

pytestmark = pytest.mark.slow


def migrate(name: str, *words: str, later: str = "") -> "subprocess.CompletedProcess[str]":
    return run_python(name, "manage.py", "migrate", *words, more=environment(later))


def environment(later: str) -> dict[str, str]:
    return {**SETTINGS, "LATER": later}


def modules_with(later: str) -> dict[str, str]:
    """Return the MIGRATION_MODULES that `tests/harness/upgrade/settings.py` sets for this value of LATER."""
    return {"transfers": f"tests.harness.upgrade.later.{later}"} if later else {}


def upgrade(name: str, later: str = "") -> None:
    done = migrate(name, later=later)
    assert done.returncode == 0, done.stderr


def back(name: str, applied: dict[str, list[str]], later: str = "") -> None:
    now = migrations_of(name)
    targets = [f"{app}={names[-1]}" for app, names in applied.items() if app in OURS and now[app] != names]
    done = run_python(name, "-m", "tests.harness.upgrade.back", *targets, more=environment(later))
    assert done.returncode == 0, done.stderr


def structure_of_a_new_site(today: Today, later: str) -> list[str]:
    """Return the structure that an upgraded site must have."""
    with copied_database("new_site", today.new) as new:
        upgrade(new, later)
        return structure(new)


def check_upgrade(name: str, today: Today, later: str = "") -> None:
    """Check that an upgrade loses nothing and leads to the structure of a new site, then revert and repeat it.

    The upgrade is not reverted if one of its migrations gives a reason why it is irreversible.
    """
    before, applied = rows(name), migrations_of(name)
    upgrade(name, later)
    assert lost(before, rows(name), CHANGED) == []
    assert structure(name) == structure_of_a_new_site(today, later)
    if reasons_for_irreversibility(applied, later):
        return
    back(name, applied, later)
    assert lost(before, rows(name)) == []
    upgrade(name, later)


def check_work_continues(name: str) -> None:
    done = finish(name)
    assert done.returncode == 0, done.stderr
    states = {row["state"] for row in rows(name)["transfers_transfer"]}
    assert states == {State.SUCCEEDED, State.DRAFT}


def finish(name: str) -> "subprocess.CompletedProcess[str]":
    application = make_conninfo(address(name), options=f"-c role={APPLICATION}")
    return run_python(
        name, "-m", "tests.harness.upgrade.finish", more={**SETTINGS, "DATABASE_URL": application}
    )


@pytest.mark.parametrize("version", RELEASED)
def test_an_upgrade_from_a_release_loses_nothing_and_work_continues(today: Today, version: str) -> None:
    """Skipped until the first release. Until then, only the made-up migrations below test upgrades."""
    with scratch_database("old_site") as name:
        restore(FOLDER / f"{version}.sql", name)
        check_upgrade(name, today)
        check_work_continues(name)


def test_releases_in_the_changelog_are_frozen() -> None:
    assert released_in((settings.BASE_DIR / "CHANGELOG.md").read_text()) == set(RELEASED), (
        "freeze the release: see tests/harness/upgrade/releases.py"
    )
    assert {file.stem for file in FOLDER.glob("*.sql")} == set(RELEASED)


def released_in(changelog: str) -> set[str]:
    return set(re.findall(r"^## v?(\d[\w.]*)", changelog, re.MULTILINE))


def test_a_heading_is_a_release() -> None:
    assert released_in("# Changelog\n## Unreleased\n- 1.0\n## 0.2.0 (2027-01-02)\n## 0.1.0\n") == {
        "0.2.0",
        "0.1.0",
    }


# --- The harness itself, with made-up migrations on a database of today's code ----------------------------------------

# Third-party tables that this site does not use, or whose rows are soon deleted again.
EMPTY = {
    "account_emailconfirmation",
    "auth_group",
    "auth_group_permissions",
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    "axes_accessfailurelog",
    "axes_accesslog",
    "django_admin_log",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
    "transfers_rehearsal",
    "transfers_undoconflict",
    "usersessions_usersession",
}


def test_a_site_in_use_has_rows_in_every_table(old: str) -> None:
    """Otherwise, an upgrade that deletes the rows of a table would not be noticed."""
    assert {table for table, found in rows(old).items() if not found} == EMPTY


def test_a_later_migration_passes_and_work_continues(old: str, today: Today) -> None:
    check_upgrade(old, today, later="good")
    assert any("transfers_transfer made_up" in line for line in structure(old))
    assert all(row["made_up"] == row["version"] for row in rows(old)["transfers_transfer"])
    check_work_continues(old)
    execute(old, sql.SQL(CHANGE_A_SEALED_EVENT))
    done = finish(old)
    assert done.returncode != 0
    assert "of seal 1 was changed" in done.stdout


CHANGE_A_SEALED_EVENT = """
SET session_replication_role = replica;
UPDATE audit_auditevent SET actor_name = 'Another name' WHERE id = (SELECT min(events[1]) FROM audit_auditseal)
"""


def test_a_migration_that_loses_rows_is_noticed(old: str, today: Today) -> None:
    with pytest.raises(AssertionError, match="transfers_journalentry had"):
        check_upgrade(old, today, later="loses_rows")


def test_a_migration_that_fails_only_with_data_is_noticed(old: str, today: Today) -> None:
    with copied_database("new_site", today.new) as new:
        assert migrate(new, later="needs_a_value").returncode == 0
    with pytest.raises(AssertionError, match="contains null values"):
        check_upgrade(old, today, later="needs_a_value")


def test_an_incomplete_reversal_is_noticed(old: str, today: Today, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANGED, "transfers_transfer.file_name", "upper case from now on")
    with pytest.raises(AssertionError, match="values in transfers_transfer"):
        check_upgrade(old, today, later="half_back")


def test_an_irreversible_migration_with_a_reason_is_not_reverted(old: str, today: Today) -> None:
    check_upgrade(old, today, later="says_why_not")


def test_more_than_tables_is_compared(old: str) -> None:
    """The comparison notices changes of functions, grants, triggers, row-level security, policies and views."""
    for change in (
        "CREATE OR REPLACE FUNCTION audit_wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER FUNCTION audit_stamp() RESET search_path",
        "GRANT EXECUTE ON FUNCTION audit_wait() TO transfer",
        "GRANT UPDATE ON audit_auditevent TO transfer",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER audit_wait",
        "ALTER TABLE audit_auditevent DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON audit_auditevent",
        "CREATE OR REPLACE VIEW accounts_searchable AS SELECT * FROM accounts_searchable LIMIT 1",
    ):
        before = structure(old)
        execute(old, sql.SQL(change))
        assert structure(old) != before, change


# --- Each migration is reversible, or says why not -------------------------------------------------------------------


def migrations_with(later: str) -> dict[tuple[str, str], Migration]:
    """Return the project's migrations by (app, name), including the made-up one if `later` is given."""
    with override_settings(MIGRATION_MODULES=modules_with(later)):
        found = MigrationLoader(None).disk_migrations
    return {key: migration for key, migration in found.items() if key[0] in OURS}


def reasons_for_irreversibility(applied: dict[str, list[str]], later: str) -> list[str]:
    """Return the reasons why migrations that are not yet applied cannot be reverted, as given by those migrations."""
    reasons = {
        (app, name): getattr(migration, "irreversible_because", "")
        for (app, name), migration in migrations_with(later).items()
        if name not in applied.get(app, ())
    }
    return [reason for reason in reasons.values() if reason]


def irreversible_without_reason(later: str = "") -> list[str]:
    """Return the project's migrations that cannot be reverted and give no reason (`irreversible_because`)."""
    return [
        f"{app}.{name}"
        for (app, name), migration in migrations_with(later).items()
        if not reversible(migration) and not getattr(migration, "irreversible_because", "")
    ]


def reversible(migration: Migration) -> bool:
    return all(operation.reversible for operation in migration.operations)


def test_every_migration_is_reversible_or_has_a_reason() -> None:
    assert irreversible_without_reason() == []


def test_a_one_way_migration_needs_a_reason() -> None:
    assert irreversible_without_reason("one_way") == ["transfers.9999_made_up"]
    assert irreversible_without_reason("says_why_not") == []


def test_later_migrations_need_a_release_before_them() -> None:
    """An app may have a second migration only if its first one is part of a release whose dump is stored."""
    assert RELEASED or len(migrations_with("")) == len(OURS), (
        "freeze the first release: see tests/harness/upgrade/releases.py"
    )


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
