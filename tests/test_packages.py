"""Each package has few entries, and a docstring that says what is in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.harness.product import PACKAGES

MOST = 12
# Entries that do not count, because readers know them from every app: files and folders that Django, Celery or the
# registry of data types look for, and `row_security.py`.
LOOKED_FOR = {
    "__init__.py",
    "__main__.py",
    "admin",
    "apps.py",
    "datatypes.py",
    "demo",
    "demo.py",
    "management",
    "migrations",
    "models",
    "models.py",
    "row_security.py",
    "tasks.py",
    "templatetags",
    "urls.py",
}
# Packages that may have more entries, because they have one file for each SQL statement or page.
LISTS = {"transfers/engine/sql", "transfers/views"}


def packages() -> Iterator[Path]:
    for name in PACKAGES:
        for init in sorted((settings.BASE_DIR / name).rglob("__init__.py")):
            yield init.parent


def name_of(package: Path) -> str:
    return str(package.relative_to(settings.BASE_DIR))


def entries(package: Path) -> list[str]:
    return sorted(entry.name for entry in package.iterdir() if entry.suffix == ".py" or holds_files(entry))


def holds_files(entry: Path) -> bool:
    """Return whether the folder has source files. Switching branches can leave a folder with compiled files only."""
    return entry.is_dir() and any(file.suffix in (".py", ".sql") for file in entry.rglob("*"))


@pytest.mark.parametrize("package", list(packages()), ids=name_of)
def test_a_package_has_few_entries(package: Path) -> None:
    own = [name for name in entries(package) if name not in LOOKED_FOR]
    assert len(own) <= MOST or name_of(package) in LISTS, f"{name_of(package)} has {len(own)} entries: {own}"


@pytest.mark.parametrize("package", list(packages()), ids=name_of)
def test_each_package_says_what_is_in_it(package: Path) -> None:
    if package.name in ("migrations", "management", "commands"):
        pytest.skip("Django gives it its meaning")
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    assert docstring
    assert docstring.split("\n\n")[0].endswith(".")
