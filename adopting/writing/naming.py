"""Names of classes and fields for tables and columns: no keyword, no name that Django uses, and none twice."""

import re
from collections.abc import Iterable
from keyword import iskeyword, issoftkeyword

from django.db.models import Model

from adopting.catalog.tables import Column, Table
from adopting.people.names import common_prefix, tokens
from adopting.proposing.plan import Plan
from wording.normal_form import normalized

TAKEN = {"models", "model", "meta", "objects", "arrayfield"}


class Names:
    """The names in `models.py`: of a class for each table, and of a field for each column."""

    def __init__(self, app: str, plan: Plan) -> None:
        self.app = app
        self.database = database = plan.database
        self.foreign = plan.foreign
        self.stands = {(stand.oid, stand.column): stand for stand in plan.stands}
        tables = list(database.tables.values())
        self.classes = dict(
            zip(
                (table.oid for table in tables),
                unique(class_name(t.relation.name) for t in tables),
                strict=True,
            )
        )
        self.prefix = common_prefix(table.relation.name for table in tables)
        titles = unique(" ".join(map(str.capitalize, self.words(table))) or "Table" for table in tables)
        self.titles = dict(zip((table.oid for table in tables), titles, strict=True))
        self.fields: dict[tuple[int, str], str] = {}
        for table in tables:
            given: set[str] = set()
            for column in columns_of(table):
                is_foreign = self.is_foreign(table, column.name)
                name = free_name(field_name(column.name, is_foreign), is_foreign, given)
                self.fields[table.oid, column.name] = name

    def words(self, table: Table) -> list[str]:
        """Return the words of the table's name, without a first one that nearly all have."""
        words = tokens(table.relation.name)
        return words[1:] if len(words) > 1 and words[0] == self.prefix else words

    def field(self, oid: int, column: str) -> str:
        return self.fields[oid, column]

    def is_foreign(self, table: Table, column: str) -> bool:
        return (table.oid, column) in self.foreign or self.is_user(table, column)

    def is_user(self, table: Table, column: str) -> bool:
        """Return whether the column is a foreign key to our own users."""
        stand = self.stands.get((table.oid, column))
        people = self.database.people
        return people.holds == "id" and stand is not None and stand.target == people.path

    def of_class(self, oid: int) -> str:
        return self.classes[oid]


def columns_of(table: Table) -> list[Column]:
    return list(table.columns.values())


def class_name(table: str) -> str:
    table = normalized("NFKC", table)  # as Python reads names
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", table) if word)
    name = name if name.isidentifier() and not iskeyword(name) else f"Table{name}"
    return f"{name}Row" if name.lower() in TAKEN else name


def field_name(column: str, is_foreign: bool) -> str:
    column = normalized("NFKC", column)
    name = re.sub(r"\W+", "_", column.lower()) if column.isupper() else "_".join(tokens(column))
    if is_foreign and name != "id":
        name = name.removesuffix("_id")
    name = re.sub(r"__+", "_", name).strip("_") or "unnamed"
    fits = name.isidentifier() and name.isascii() and not iskeyword(name) and not issoftkeyword(name)
    if not fits or hasattr(Model, name) or name in {"pk", "id_", "objects", "models"}:
        name = f"column_{name}" if re.fullmatch(r"\w+", name) else "column"
    return name


def free_name(name: str, is_foreign: bool, given: set[str]) -> str:
    """Return the name of a field, with a number if it or its attribute (owner_id of owner) is given, and note both."""
    free, number = name, 2
    while {free, f"{free}_id"} & given if is_foreign else free in given:
        free, number = f"{name}_{number}", number + 1
    given |= {free, f"{free}_id"} if is_foreign else {free}
    return free


def unique(names: Iterable[str]) -> list[str]:
    """Return the names of classes, with a number behind those that differ from an earlier one only in case."""
    given: set[str] = set()
    found = []
    for name in names:
        free, number = name, 2
        while free.lower() in given:
            free, number = f"{name}{' ' if ' ' in name else ''}{number}", number + 1
        given.add(free.lower())
        found.append(free)
    return found
