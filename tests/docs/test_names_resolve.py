"""The modules, functions and files named in the documentation and in docstrings exist.

A name is checked if it is in backticks and looks like part of this project: a path such as `transfers/tasks.py`, also
with a function behind `::`, or a dotted name such as `transfers.engine.locks` that starts with a package of the project
or a module in the same folder.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.harness.product import PACKAGES

ROOT = Path(settings.BASE_DIR)
FOLDERS = (*PACKAGES, "bench", "tests")
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
BACKTICKS = re.compile(r"(?<!`)`([^`\s]+)`(?!`)")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
SUFFIXES = r"py|sql|md|html|txt|css|js|yaml|toml|sh|json|svg|service"
PATH = re.compile(rf"[\w.@*-]+(/[\w.@*-]+)+(/|\.({SUFFIXES}))?|[\w.-]+\.({SUFFIXES})")
GENERATED = (".data", "build")
POSTGRESQL_SETTINGS = ("transfers.tenant", "transfers.transfer")


def docstrings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def unresolved(text: str, file: Path) -> list[str]:
    return [name for name in BACKTICKS.findall(text) if not resolves(name.rstrip("()"), file)]


def resolves(name: str, file: Path) -> bool:
    """Return whether a name exists or does not look like part of this project."""
    name, _, function = name.partition("::")
    if function and name.endswith(".py"):
        return function in functions_of(ROOT / name)
    if PATH.fullmatch(name):
        return is_path(name, file)
    if DOTTED.fullmatch(name):
        return is_dotted(name, file)
    return True


@cache
def functions_of(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_bytes()) if file.exists() else ast.Module([])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def is_path(name: str, file: Path) -> bool:
    first = name.split("/")[0]
    if "/" in name and not any((folder / first).exists() for folder in (ROOT, file.parent)):
        return True
    if first in GENERATED:
        return True
    if any(any(folder.glob(name.rstrip("/"))) for folder in folders_of(file)):
        return True
    return "/" not in name and name in file_names()


def folders_of(file: Path) -> list[Path]:
    """Return the folders that a path in the file may be relative to: its own folder and the parents in the project."""
    return [
        folder for folder in (file.parent, *file.parent.parents) if folder == ROOT or ROOT in folder.parents
    ]


@cache
def file_names() -> frozenset[str]:
    return frozenset(
        path.name for folder in (*FOLDERS, "templates", "static") for path in (ROOT / folder).rglob("*")
    )


def is_dotted(name: str, file: Path) -> bool:
    first = name.split(".")[0]
    if first in FOLDERS:
        return is_importable(name)
    beside = file.parent / first
    if file.suffix == ".py" and (beside.with_suffix(".py").exists() or (beside / "__init__.py").exists()):
        return is_importable(f"{'.'.join(file.parent.relative_to(ROOT).parts)}.{name}")
    return True


def is_importable(name: str) -> bool:
    """Return whether a dotted name is a module or an attribute of one.

    The ids of system checks and the names of PostgreSQL settings are accepted too.
    """
    if re.fullmatch(r"\w+\.[EWI]\d+", name) or name in POSTGRESQL_SETTINGS:
        return True
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return has_attributes(found, parts[length:])
    return False


def has_attributes(found: object, parts: list[str]) -> bool:
    """Return whether a chain of attributes exists.

    A module also counts as having the attributes of its members: `sizes.people` may be a field of a class in `sizes`.
    """
    for part in parts:
        holders = [found, *(vars(found).values() if inspect.ismodule(found) else ())]
        holder = next((holder for holder in holders if has_attribute(holder, part)), None)
        if holder is None:
            return False
        found = getattr(holder, part, None)
    return True


def has_attribute(holder: object, name: str) -> bool:
    annotated = inspect.isclass(holder) or inspect.ismodule(holder)
    return hasattr(holder, name) or (annotated and name in inspect.get_annotations(holder))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_a_page(page: Path) -> None:
    assert unresolved(page.read_text(), page) == [], f"{page.name} names what does not exist."


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_in_docstrings(folder: str) -> None:
    found = {
        str(file.relative_to(ROOT)): names
        for file in MODULES
        if file.relative_to(ROOT).parts[0] == folder
        for names in [unresolved("\n".join(docstrings(file)), file)]
        if names
    }
    assert found == {}, f"Docstrings in {folder}/ name what does not exist."


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("transfers/tasks.py", True),
        ("transfers/no_such_file.py", False),
        ("transfers/tasks.py::recovery_sweep", True),
        ("transfers/tasks.py::no_such_task", False),
        ("transfers/no_such_file.py::recovery_sweep", False),
        ("transfers.tasks.recovery_sweep", True),
        ("transfers.tasks.no_such_task", False),
        ("transfers.no_such_module", False),
        ("accounts.E101", True),
        ("no_such_page.md", False),
        ("django.contrib.admin", True),
    ],
)
def test_what_counts_as_existing(name: str, exists: bool) -> None:
    assert resolves(name, ROOT / "docs" / "operations.md") is exists


def test_a_name_relative_to_its_module() -> None:
    module = ROOT / "transfers" / "engine" / "__init__.py"
    assert unresolved("`worker.no_such_function` of `worker` and `locks.chunk_lock`", module) == [
        "worker.no_such_function"
    ]
