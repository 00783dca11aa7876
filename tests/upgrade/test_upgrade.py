"""A database of a release, with data in it, upgraded to this code; and what the harness itself would notice."""

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

from tests.databases import address, execute, restore, run_python, scratch_database
from tests.upgrade.conftest import SETTINGS, Today
from tests.upgrade.looking import lost, migrations_of, rows, structure
from tests.upgrade.releases import CHANGED, FOLDER, OURS, RELEASED
from transfer_site.embedded import APPLICATION
from transfers.models import State

pytestmark = pytest.mark.slow


def migrate(name: str, *words: str, later: str = "") -> "subprocess.CompletedProcess[str]":
    return run_python(name, "manage.py", "migrate", *words, more=environment(later))


def environment(later: str) -> dict[str, str]:
    return {**SETTINGS, "LATER": later}


def modules_with(later: str) -> dict[str, str]:
    """As in tests/upgrade/settings.py."""
    return {"transfers": f"tests.upgrade.later.{later}"} if later else {}


def upgrade(name: str, later: str = "") -> None:
    done = migrate(name, later=later)
    assert done.returncode == 0, done.stderr


def back(name: str, applied: dict[str, list[str]], later: str = "") -> None:
    targets = [f"{app}={names[-1]}" for app, names in applied.items() if app in OURS]
    done = run_python(name, "-m", "tests.upgrade.back", *targets, more=environment(later))
    assert done.returncode == 0, done.stderr


def structure_of_a_new_site(today: Today, later: str) -> list[str]:
    """Restored from a dump too, because PostgreSQL writes some constraints in other words afterwards."""
    with scratch_database("new_site") as new:
        restore(today.new, new)
        upgrade(new, later)
        return structure(new)


def check_upgrade(name: str, today: Today, later: str = "") -> None:
    """There, and back, and there again: nothing is lost, and the result is what a new site has."""
    before, applied = rows(name), migrations_of(name)
    upgrade(name, later)
    assert lost(before, rows(name), CHANGED) == []
    assert structure(name) == structure_of_a_new_site(today, later)
    if reasons_for_no_way_back(applied, later):
        return
    back(name, applied, later)
    assert lost(before, rows(name)) == []
    upgrade(name, later)


def check_work_goes_on(name: str) -> None:
    done = finish(name)
    assert done.returncode == 0, done.stderr
    states = {row["state"] for row in rows(name)["transfers_transfer"]}
    assert states == {State.SUCCEEDED, State.DRAFT}


def finish(name: str) -> "subprocess.CompletedProcess[str]":
    application = make_conninfo(address(name), options=f"-c role={APPLICATION}")
    return run_python(name, "-m", "tests.upgrade.finish", more={**SETTINGS, "DATABASE_URL": application})


@pytest.mark.parametrize("version", RELEASED)
def test_nothing_is_lost_since_a_release_and_work_goes_on(today: Today, version: str) -> None:
    """Skipped while nothing is released. Until then the made-up migrations below are all that an upgrade can be."""
    with scratch_database("old_site") as name:
        restore(FOLDER / f"{version}.sql", name)
        check_upgrade(name, today)
        check_work_goes_on(name)


def test_what_the_changelog_calls_released_is_frozen() -> None:
    assert released_in((settings.BASE_DIR / "CHANGELOG.md").read_text()) == set(RELEASED), (
        "freeze the release: see tests/upgrade/releases.py"
    )
    assert {file.stem for file in FOLDER.glob("*.sql")} == set(RELEASED)


def released_in(changelog: str) -> set[str]:
    return set(re.findall(r"^## v?(\d[\w.]*)", changelog, re.MULTILINE))


def test_a_heading_is_a_release() -> None:
    assert released_in("# Changelog\n## Unreleased\n- 1.0\n## 0.2.0 (2027-01-02)\n## 0.1.0\n") == {
        "0.2.0",
        "0.1.0",
    }


# --- The harness, shown by made-up migrations on the database that a release of today would leave ---------------------

# Tables of other packages that hold nothing for long, or that this site does not use.
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
    "usersessions_usersession",
}


def test_a_site_in_use_has_rows_in_every_table(old: str) -> None:
    """Nothing is lost from a table in which there is nothing."""
    assert {table for table, found in rows(old).items() if not found} == EMPTY


def test_a_later_migration_is_carried_along_and_work_goes_on(old: str, today: Today) -> None:
    check_upgrade(old, today, later="good")
    assert any("transfers_transfer made_up" in line for line in structure(old))
    assert all(row["made_up"] == row["version"] for row in rows(old)["transfers_transfer"])
    check_work_goes_on(old)
    execute(old, sql.SQL(CHANGE_A_SEALED_EVENT))
    done = finish(old)
    assert done.returncode != 0
    assert "of seal 1 was changed" in done.stdout


CHANGE_A_SEALED_EVENT = """
SET session_replication_role = replica;
UPDATE transfers_auditevent SET actor_name = 'Somebody else' WHERE id = (SELECT min(events[1]) FROM transfers_auditseal)
"""


def test_a_migration_that_loses_rows_is_noticed(old: str, today: Today) -> None:
    with pytest.raises(AssertionError, match="transfers_discardedrow had"):
        check_upgrade(old, today, later="loses_rows")


def test_a_migration_that_fails_only_with_data_is_noticed(old: str, today: Today) -> None:
    with scratch_database("new_site") as new:
        restore(today.new, new)
        assert migrate(new, later="needs_a_value").returncode == 0
    with pytest.raises(AssertionError, match="contains null values"):
        check_upgrade(old, today, later="needs_a_value")


def test_a_way_back_that_does_not_lead_back_is_noticed(
    old: str, today: Today, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHANGED, "transfers_transfer.file_name", "in capitals from now on")
    with pytest.raises(AssertionError, match="values in transfers_transfer"):
        check_upgrade(old, today, later="half_back")


def test_where_a_migration_says_why_there_is_no_way_back_nobody_goes_it(old: str, today: Today) -> None:
    check_upgrade(old, today, later="says_why_not")


def test_more_than_tables_is_compared(old: str) -> None:
    """What migrations and `migrate` make beside them."""
    for change in (
        "CREATE OR REPLACE FUNCTION transfers_audit_wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER FUNCTION transfers_audit_stamp() RESET search_path",
        "GRANT EXECUTE ON FUNCTION transfers_audit_wait() TO transfer",
        "GRANT UPDATE ON transfers_auditevent TO transfer",
        "ALTER TABLE transfers_auditevent DISABLE TRIGGER transfers_audit_wait",
        "ALTER TABLE transfers_auditevent DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_wall ON transfers_auditevent",
        "CREATE OR REPLACE VIEW accounts_searchable AS SELECT * FROM accounts_searchable LIMIT 1",
    ):
        before = structure(old)
        execute(old, sql.SQL(change))
        assert structure(old) != before, change


# --- Each migration has a way back, or says why not ------------------------------------------------------------------


def migrations_with(later: str) -> dict[tuple[str, str], Migration]:
    """Ours, by app and name."""
    with override_settings(MIGRATION_MODULES=modules_with(later)):
        found = MigrationLoader(None).disk_migrations
    return {key: migration for key, migration in found.items() if key[0] in OURS}


def reasons_for_no_way_back(applied: dict[str, list[str]], later: str) -> list[str]:
    """Of the migrations that came after these."""
    reasons = {
        (app, name): getattr(migration, "irreversible_because", "")
        for (app, name), migration in migrations_with(later).items()
        if name not in applied.get(app, ())
    }
    return [reason for reason in reasons.values() if reason]


def without_a_way_back(later: str = "") -> list[str]:
    """Those of our migrations that can neither be taken back nor say `irreversible_because`."""
    return [
        f"{app}.{name}"
        for (app, name), migration in migrations_with(later).items()
        if not reversible(migration) and not getattr(migration, "irreversible_because", "")
    ]


def reversible(migration: Migration) -> bool:
    return all(operation.reversible for operation in migration.operations)


def test_every_migration_has_a_way_back_or_a_reason() -> None:
    assert without_a_way_back() == []


def test_a_one_way_migration_needs_a_reason() -> None:
    assert without_a_way_back("one_way") == ["transfers.9999_made_up"]
    assert without_a_way_back("says_why_not") == []


def test_later_migrations_need_a_release_before_them() -> None:
    """A second migration of an app means that the first is in use somewhere, so its dump has to be frozen."""
    assert RELEASED or len(migrations_with("")) == len(OURS), (
        "freeze the first release: see tests/upgrade/releases.py"
    )


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
