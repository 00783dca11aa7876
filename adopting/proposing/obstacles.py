"""Why the rows of a table, or the values of a column, cannot be transferred as the database is."""

import re
from collections.abc import Iterator

from adopting.catalog.tables import Column, Database, Table
from adopting.people.standing import Holders, Stand
from transfers.checks.catalog.tables import Index
from transfers.checks.tables.keys import clashing_keys
from transfers.engine.compiler.requirements.keys import ONE_VALUE


def of_table(table: Table, database: Database) -> str:
    """Return why no row of the table can be transferred, or ""."""
    catalog, relation = database.catalog, table.relation
    rules = catalog.rules.get(table.oid, [])
    if rules:
        return f"the rule {rules[0][0]} rewrites its {rules[0][1]} statements"
    if relation.hides_rows and catalog.policies.get(table.oid):
        return f"its policy {catalog.policies[table.oid][0].name} may hide rows from the application"
    if relation.kind == "r" and catalog.parts.get(table.oid):
        return "other tables inherit from it"
    if catalog.parents.get(table.oid):
        return "it inherits from another table"
    for part in catalog.with_parts(table.oid) - {table.oid}:
        if catalog.relations[part].kind == "f":
            return f"its partition {catalog.relations[part].name} is on another server"
    return ""


def of_column(stand: Stand, table: Table, holders: Holders) -> str:
    """Return why the column cannot be an owner, or ""."""
    return next(reasons(stand, table, holders), "")


def reasons(stand: Stand, table: Table, holders: Holders) -> Iterator[str]:
    column = table.columns[stand.column]
    if not column.written:
        yield "the database computes its values"
    if stand.form == "list":
        yield f"the IDs are in a list of objects ({' → '.join(stand.path)}), of which no declaration can name the place"
    if stand.form == "user name":
        yield (
            "it holds user names, which another person may have had before; they can only be transferred with the"
            ' column of the tenant: Column(…, holds="username", tenant=…)'
        )
    if stand.form == "kind" and not stand.kinds:
        yield f"no sampled row says which value of {stand.kind_column} means a person"
    if "citext" in column.base_type:
        yield "its type ignores case, and an ID must match exactly"
    if holders.is_referenced(table, stand.column):
        yield "the row stands for the person, and rows of other tables reference it as one"
    yield from in_foreign_keys(stand, table, holders)
    yield from (reason for key in keys_of(table, column) for reason in in_key(stand, key))


def in_foreign_keys(stand: Stand, table: Table, holders: Holders) -> Iterator[str]:
    database = holders.database
    for found in table.references:
        pairs = dict(zip(found.columns, found.referenced_columns, strict=True))
        target = database.whole(found.referenced)
        if stand.column in pairs and (target, pairs[stand.column]) not in holders.columns:
            yield (
                f"it is part of the foreign key {found.name} to {database.catalog.relations[target].name}, whose row"
                " is another person's"
            )
    for found in database.references_to(table.oid):
        if stand.column in found.referenced_columns:
            yield f"{', '.join(found.columns)} of {found.table.name} references it"


def keys_of(table: Table, column: Column) -> list[Index]:
    return clashing_keys(table.indexes, {column.name})


def in_key(stand: Stand, key: Index) -> Iterator[str]:
    is_in_parts = stand.column in key.names
    only_in_predicate = not is_in_parts and None not in key.names
    if only_in_predicate:
        return
    if not is_in_parts and stand.form == "value":
        yield f"the unique key {key.name} ({', '.join(key.expressions)}) holds it inside an expression"
    if stand.form == "kind" and stand.kind_column not in key.names and not for_one_kind(stand, key):
        yield f"the unique key {key.name} holds it without {stand.kind_column}"


def for_one_kind(stand: Stand, key: Index) -> bool:
    match = re.fullmatch(ONE_VALUE, key.predicate)
    return match is not None and match["column"] == stand.kind_column
