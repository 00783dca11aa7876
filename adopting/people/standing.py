"""The columns in which people stand, found by foreign keys and by names. `adopting.people.sampling` adds values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from adopting.catalog.tables import Column, Database, Table
from adopting.people.names import may_suggest_person, says_id, singular, suggests_person, tokens

INTEGERS = ("smallint", "integer", "bigint")
TEXTS = ("text", "character varying", "character", "citext", '"char"')
KIND = re.compile(r"^(?P<base>.*?)_?(?P<kind>type|kind|class|table|model)$", re.IGNORECASE)
# Columns whose own name says the kind of the object whose ID is in the other: `object` beside `o_id`.
OBJECTS = {"o": "object", "obj": "object", "object": "object", "item": "item", "entity": "entity"}


@dataclass(frozen=True)
class Stand:
    """A column in which a person stands, or may stand.

    form: "value", "array", "json" (path leads to one or a list of IDs), "kind" (with the column of the kind beside),
    "user name" or "list" (IDs in a list of objects, which no declaration can name). target: the column of a foreign
    key, "" without one. as_text: the document holds the IDs as texts. named: whether the name of the column says so.
    share: how many of the sampled values are people, None if there was no sample; seen: the number of these values.
    """

    oid: int
    column: str
    form: str = "value"
    target: str = ""
    path: tuple[str, ...] = ()
    kind_column: str = ""
    kinds: tuple[str, ...] = ()
    kind_names: tuple[str, ...] = ()
    as_text: bool = False
    named: bool = False
    perhaps: bool = False
    share: float | None = None
    seen: int = 0

    @property
    def is_foreign_key(self) -> bool:
        return bool(self.target)


@dataclass
class Holders:
    """Columns that hold the ID of a person: that of people, and unique foreign keys to these (`agent.person_id`)."""

    database: Database
    columns: set[tuple[int, str]] = field(default_factory=set)

    def stands(self) -> list[Stand]:
        """Return the columns with a foreign key to a person, directly or by a row that stands for the person."""
        people = self.database.people
        self.columns = {(people.relation.oid, people.column)}
        found: dict[tuple[int, str], Stand] = {}
        while new := [stand for stand in self.one_step() if (stand.oid, stand.column) not in found]:
            for stand in new:
                found[stand.oid, stand.column] = stand
                if self.database.tables[stand.oid].is_unique(stand.column):
                    self.columns.add((stand.oid, stand.column))
        return list(found.values())

    def one_step(self) -> Iterator[Stand]:
        for table in self.database.tables.values():
            for reference in table.references:
                target = self.database.whole(reference.referenced)
                for column, referenced in zip(reference.columns, reference.referenced_columns, strict=True):
                    if (target, referenced) in self.columns:
                        to = self.database.catalog.relations[target]
                        yield Stand(table.oid, column, target=f"{to.schema}.{to.name}.{referenced}")

    def is_referenced(self, table: Table, column: str) -> bool:
        """Return whether a foreign key takes rows of this table for people."""
        return (table.oid, column) in self.columns and any(
            column in found.referenced_columns for found in self.database.references_to(table.oid)
        )


def candidates(database: Database, known: set[tuple[int, str]]) -> Iterator[Stand]:
    """Yield the columns without a foreign key that may hold people by their type, most of which do not."""
    also, key = words_for_people(database), database.people.base_type
    for table in database.tables.values():
        if table.oid == database.people.relation.oid:
            own = {(table.oid, database.people.column), (table.oid, database.people.user_name)}
            known = known | own
        foreign = {column for found in table.references for column in found.columns}
        for column in table.columns.values():
            if (table.oid, column.name) in known or column.name in foreign or column.counts:
                continue
            if stand := candidate(table, column, database):
                named = named_like_people(column.name, column.base_type, key, also)
                perhaps = not named and may_be_named_like_people(column.name, column.base_type, key)
                yield replace(stand, named=named, perhaps=perhaps)


def candidate(table: Table, column: Column, database: Database) -> Stand | None:
    base, key = plain(column.base_type), plain(database.people.base_type)
    if base == "jsonb":
        return Stand(table.oid, column.name, "json")
    if base.endswith("[]") and holds_key(base.removesuffix("[]"), key):
        return Stand(table.oid, column.name, "array")
    if not holds_key(base, key):
        return None
    if kind := kind_beside(table, column):
        return Stand(table.oid, column.name, "kind", kind_column=kind)
    return Stand(table.oid, column.name)


def plain(sql_type: str) -> str:
    """Return the type without its length: "character varying(20)" is "character varying"."""
    return re.sub(r"\([\d,]+\)", "", sql_type)


def holds_key(base: str, key: str) -> bool:
    """Return whether a column of this type can hold the ID of a person, or a user name."""
    return base in TEXTS or base == key or (base in INTEGERS and key in INTEGERS)


def kind_beside(table: Table, column: Column) -> str:
    """Return the column with the kind of object whose ID the column holds: owner_type for owner_id."""
    base = re.sub(r"_?(id|key|uuid)$", "", column.name, flags=re.IGNORECASE)
    if base == column.name:
        return ""
    for name, other in table.columns.items():
        match = KIND.match(name)
        if match and match["base"] == base and plain(other.base_type) in (*TEXTS, *INTEGERS):
            return name
    beside = table.columns.get(OBJECTS.get(base.lower(), ""))
    return beside.name if beside and plain(beside.base_type) in TEXTS else ""


def words_for_people(database: Database) -> frozenset[str]:
    """Return the words for a person in this database, from the names of the tables that stand for people."""
    last = tokens(database.people.relation.name)[-1]
    return frozenset({singular(last)} - {"people", "transfer"})


def named_like_people(name: str, sql_type: str, key: str, also: frozenset[str]) -> bool:
    """Return whether a column of this type holds a person by its name. A text may also hold any name, so it takes "id".

    key: the type of the IDs of people.
    """
    base = plain(sql_type)
    element = base.removesuffix("[]")
    if not holds_key(element, plain(key)):
        return False
    if element in TEXTS and plain(key) not in TEXTS and not says_id(name):
        return False
    return suggests_person(name, also, is_list=base.endswith("[]"))


def may_be_named_like_people(name: str, sql_type: str, key: str) -> bool:
    """Return whether a column of this type may hold a person by its name. Any text may hold the name of somebody."""
    base = plain(sql_type)
    is_text = base in TEXTS and plain(key) not in TEXTS
    return holds_key(base, plain(key)) and not is_text and may_suggest_person(name)
