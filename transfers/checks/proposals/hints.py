"""The hints of the check of undeclared references: lines to paste into the `datatypes.py` of an app."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db.models import Field, Model

from transfers.checks.introspection import path_of
from transfers.checks.proposals.code import Code
from transfers.checks.proposals.entries import owner_of, proposed
from transfers.rules import DataType

PACKAGES = ("site-packages", "dist-packages")
OWN_APP = "an app of your own, which EXTRA_APPS lists (docs/extending.md)"
Fields = Sequence["Field[Any, Any]"]


def hints(
    fields: Fields, entries: Iterable[DataType], models: Sequence[type[Model]], people: Fields = ()
) -> "Mapping[Field[Any, Any], str]":
    """Return the hint for each undeclared field: one text for each file to edit, and a reference to it for the others.

    A model can have only one data type, so all columns of a model are in one entry. people: the fields that hold the
    IDs of people in the organisation's own table.
    """
    by_model: dict[type[Model], list[Field[Any, Any]]] = {}
    for field in fields:
        by_model.setdefault(field.model, []).append(field)
    declared = {entry.model: entry for entry in entries}
    typed = {*declared, *by_model}
    found: dict[Field[Any, Any], str] = {}
    new: dict[str, list[DataType]] = {}
    where: dict[str, list[Field[Any, Any]]] = {}
    for model, own in by_model.items():
        if model in declared:
            found.update(shared(own, more_owners(declared[model], own, people)))
        else:
            new.setdefault(app_of(model), []).append(proposed(model, own, models, typed, people))
            where.setdefault(app_of(model), []).extend(own)
    for app, proposals in new.items():
        found.update(shared(where[app], new_entries(app, proposals, where[app])))
    return found


def shared(fields: Fields, hint: str) -> "Iterator[tuple[Field[Any, Any], str]]":
    """Yield the hint for the first field, and a reference to it for the others."""
    first, *others = fields
    yield first, hint
    yield from ((field, f"See {path_of(first)}.") for field in others)


def more_owners(entry: DataType, fields: Fields, people: Fields) -> str:
    code = Code()
    owners = "".join(f"\n    {code.of(owner_of(field, people))}," for field in fields)
    return (
        f"If they make a row the user's, add to the owners of the DataType {entry.name!r}:{owners}\n"
        + not_transferred(fields, "NOT_TRANSFERRED |= {")
    )


def new_entries(app: str, proposals: list[DataType], fields: Fields) -> str:
    lines = Code().lines(proposals)
    start = "NOT_TRANSFERRED = {"
    if has("DATA_TYPES", app):
        lines = lines.replace("DATA_TYPES = [", "DATA_TYPES += [", 1)
    if has("NOT_TRANSFERRED", app):
        start = "NOT_TRANSFERRED |= {"
    return (
        f"If these records belong to the user, add to the datatypes.py of {named(app)}:\n{lines}\n"
        + not_transferred(fields, start)
    )


def not_transferred(fields: Fields, start: str) -> str:
    listed = "\n".join(f'        "{path_of(field)}": "the reason",' for field in fields)
    return f"List the columns that a transfer must not change in the same file instead:\n    {start}\n{listed}\n    }}"


def app_of(model: type[Model]) -> str:
    """Return the app whose file to edit, or "" for an installed package: its file is lost with the next version."""
    config = model._meta.app_config
    return "" if config is None or any(name in config.path for name in PACKAGES) else config.name


def named(app: str) -> str:
    return f"the app {app!r}" if app else OWN_APP


def has(name: str, app: str) -> bool:
    """Return whether the app declares this list already."""
    return bool(app and find_spec(f"{app}.datatypes") and hasattr(import_module(f"{app}.datatypes"), name))
