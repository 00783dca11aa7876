"""A database of the first release, with data in it, upgraded to this code; and what the harness itself would notice."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from tests.databases import dump, restore, run_python, scratch_database
from tests.upgrade.conftest import SETTINGS
from tests.upgrade.looking import lost, rows, structure
from tests.upgrade.releases import CHANGED, FIRST, RELEASED

pytestmark = pytest.mark.slow


def migrate(name: str, *words: str, later: str = "") -> "subprocess.CompletedProcess[str]":
    return run_python(name, "manage.py", "migrate", *words, more=environment(later))


def environment(later: str) -> dict[str, str]:
    return {**SETTINGS, "LATER": f"transfers=tests.upgrade.later.{later}" if later else ""}


def upgrade(name: str, later: str = "") -> None:
    done = migrate(name, later=later)
    assert done.returncode == 0, done.stderr


def back(name: str, later: str = "") -> None:
    done = run_python(name, "-m", "tests.upgrade.first", more=environment(later))
    assert done.returncode == 0, done.stderr


def structure_of_a_new_site(later: str, folder: Path) -> list[str]:
    """Dumped and restored too, because PostgreSQL writes some constraints in other words afterwards."""
    file = folder / "new-site.sql"
    with scratch_database("new_site") as new, scratch_database("new_copy") as copy:
        upgrade(new, later)
        dump(new, file)
        restore(file, copy)
        return structure(copy)


def check_upgrade(name: str, folder: Path, later: str = "") -> None:
    """There, and back, and there again: nothing is lost, and the result is what a new site has."""
    before = rows(name)
    upgrade(name, later)
    assert lost(before, rows(name), CHANGED) == []
    assert structure(name) == structure_of_a_new_site(later, folder)
    back(name, later)
    assert lost(before, rows(name)) == []
    upgrade(name, later)


def test_nothing_is_lost_and_work_goes_on(old: str, tmp_path: Path) -> None:
    check_upgrade(old, tmp_path)
    done = run_python(old, "-m", "tests.upgrade.finish", more=SETTINGS)
    assert done.returncode == 0, done.stderr


# --- The harness ------------------------------------------------------------------------------------------------------


def test_a_later_migration_is_carried_along(old: str, tmp_path: Path) -> None:
    check_upgrade(old, tmp_path, later="good")
    assert any("transfers_transfer made_up" in line for line in structure(old))
    assert all(row["made_up"] == row["version"] for row in rows(old)["transfers_transfer"])


def test_a_migration_that_loses_rows_is_noticed(old: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="transfers_discardedrow had"):
        check_upgrade(old, tmp_path, later="loses_rows")


def test_a_migration_that_fails_only_with_data_is_noticed(old: str, tmp_path: Path) -> None:
    with scratch_database("new_site") as new:
        assert migrate(new, later="needs_a_value").returncode == 0
    with pytest.raises(AssertionError, match="contains null values"):
        check_upgrade(old, tmp_path, later="needs_a_value")


def test_a_way_back_that_does_not_lead_back_is_noticed(
    old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHANGED, "transfers_transfer.file_name", "in capitals from now on")
    with pytest.raises(AssertionError, match="values in transfers_transfer"):
        check_upgrade(old, tmp_path, later="half_back")


# --- Each migration has a way back, or says why not ------------------------------------------------------------------


def without_a_way_back(loader: MigrationLoader) -> list[str]:
    """Those of our migrations that can neither be taken back nor say `irreversible_because`."""
    return [
        f"{app}.{name}"
        for (app, name), migration in loader.disk_migrations.items()
        if app in FIRST and not reversible(migration) and not getattr(migration, "irreversible_because", "")
    ]


def reversible(migration: Migration) -> bool:
    return all(operation.reversible for operation in migration.operations)


def test_every_migration_has_a_way_back_or_a_reason() -> None:
    assert without_a_way_back(MigrationLoader(None)) == []


def test_a_one_way_migration_without_a_reason_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        settings, "MIGRATION_MODULES", {"transfers": "tests.upgrade.later.one_way"}, raising=False
    )
    assert without_a_way_back(MigrationLoader(None)) == ["transfers.0002_made_up"]


def test_later_migrations_need_a_release_before_them() -> None:
    """A second migration of an app means that the first is in use somewhere, so its dump has to be frozen."""
    names = [name for app, name in MigrationLoader(None).disk_migrations if app in FIRST]
    assert RELEASED or len(names) == len(FIRST), "freeze the first release: see tests/upgrade/releases.py"


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
