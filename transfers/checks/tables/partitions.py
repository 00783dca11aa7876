"""Check that the declared tables cover whole trees of partitions and inheriting tables, each part once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, groupby, product
from operator import itemgetter

from django.core.checks import CheckMessage, Error

from transfers.checks.catalog.tables import Catalog, Index, Reference, Relation, identifier
from transfers.checks.introspection import models_of
from transfers.checks.tables.keys import (
    can_lose_rows,
    clashes,
    clashing_keys,
    columns_of_kept_rows,
    owner_columns,
)
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.policies import column_of_policy, policy_of
from transfers.engine.compiler.requirements.columns import written_fields
from transfers.rules import Child, DataType, Profile, all_children

WITH_ROWS = {"r", "f"}


def uncovered_parts(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    covered = {part for entry in entries for part in catalog.with_parts(catalog.table(entry.model).oid)}
    for entry in entries:
        table = catalog.table(entry.model)
        for part in sorted(relatives(table.oid, catalog) - covered):
            if catalog.relations[part].kind in WITH_ROWS and owner_columns(entry) <= set(
                catalog.columns[part]
            ):
                yield not_covered(entry, part, catalog)
        yield from keys_of_parts(entry, catalog)
        yield from generated_otherwise(entry, catalog)


def relatives(oid: int, catalog: Catalog) -> set[int]:
    """Return all tables of the tree that the table belongs to."""
    return {part for root in catalog.with_parents(oid) for part in catalog.with_parts(root)}


def parts_without(keys: Iterable[Reference], table: int, catalog: Catalog) -> list[Relation]:
    """Return the parts of the table with rows that none of these foreign keys covers, whole or as a part."""
    covered = {part for found in keys for part in catalog.with_parts(found.oid)}
    parts = sorted(catalog.with_parts(table) - covered)
    return [catalog.relations[part] for part in parts if catalog.relations[part].kind in WITH_ROWS]


def not_covered(entry: DataType, part: int, catalog: Catalog) -> CheckMessage:
    table = catalog.table(entry.model)
    whole = catalog.relations[
        min(oid for oid in catalog.with_parents(table.oid) if oid not in catalog.parents)
    ]
    return Error(
        f"{entry.name}: {table} is a part of {whole}, and no data type covers its part {catalog.relations[part]}, whose"
        " rows would stay behind.",
        hint=f"Declare the whole table instead of its parts:\n    db_table = '{whole.db_table}'"
        if whole.kind == "p"
        else f"Change the tables to partitions of one, or end the inheritance:\n{end_inheritance(table, catalog)}",
        id="transfers.E113",
    )


def end_inheritance(table: Relation, catalog: Catalog) -> str:
    parents = [catalog.relations[oid] for oid in catalog.parents.get(table.oid, [])]
    children = [catalog.relations[oid] for oid in catalog.parts.get(table.oid, [])]
    pairs = [*((table, parent) for parent in parents), *((child, table) for child in children)]
    return "\n".join(f"    ALTER TABLE {one.quoted} NO INHERIT {of.quoted};" for one, of in pairs)


def keys_of_parts(entry: DataType, catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each unique key that only a part has: with a column that a transfer changes.

    Overwrite deletes the target's rows first, but combines late arrivals.
    """
    owners = owner_columns(entry) if isinstance(entry.rule, Profile) else set()
    for model, columns in groupby(columns_of_kept_rows(entry, catalog), key=itemgetter(0)):
        changed = {column for _, column in columns}
        table = catalog.table(model)
        for part in sorted(catalog.with_parts(table.oid) - {table.oid}):
            for key in clashing_keys(catalog.indexes_of(part), changed):
                # A user has one row of a profile, so no two rows have the same owner.
                if not key.is_part and not (model is entry.model and owners.intersection(key.names)):
                    yield key_of_part(entry, catalog.relations[part], key, table)


def key_of_part(entry: DataType, part: Relation, key: Index, table: Relation) -> CheckMessage:
    hint = "Change the inheriting tables to partitions of one partitioned table, which shares its keys."
    if part.is_partition:
        hint = f"Create the key on {table}, so that all partitions have it, or drop it:\n    DROP INDEX"
        hint += f" {identifier(part.schema, key.name)};"
    return Error(
        f"{entry.name}: {part}, a part of {table}, has the unique key {key.name} ({', '.join(key.expressions)}) of its"
        f" own, by which rows that a transfer changes can conflict. A transfer follows the keys of {table} only.",
        hint=hint,
        id="transfers.E113",
    )


def generated_otherwise(entry: DataType, catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each generated column that a part generates by another expression, if rows are compared by it.

    If a transfer changes what it is made of, it computes it as the table does, to see which rows would conflict, and
    which of them is the latest or the best.
    """
    field = column_of_policy(policy_of(entry))
    for model in models_of(entry):
        table = catalog.table(model)
        compared = {column for key in catalog.indexes_of(table.oid) for column in key.columns}
        if field and model is entry.model:
            compared.add(column_of(model, field))
        for part in sorted(catalog.with_parts(table.oid) - {table.oid}):
            for column, expression in catalog.generated.get(table.oid, {}).items():
                other = catalog.generated.get(part, {}).get(column)
                if column in compared and other != expression:
                    yield generated_by(other, catalog.relations[part], column, expression, entry, table)


def generated_by(
    other: str | None, part: Relation, column: str, expression: str, entry: DataType, table: Relation
) -> CheckMessage:
    return Error(
        f"{entry.name}: {column} is generated in {part}, a part of {table}, by {other}, not by {expression}. If a"
        " transfer changes what it is made of, it compares the rows of all parts by the latter.",
        hint=f"Detach the part, let it generate {column} as {table} does, and attach it again.",
        id="transfers.E113",
    )


# --- Tables that are covered twice -----------------------------------------------------------------------------------


def covered_twice(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each table that two data types change, or one of them as its child.

    Whichever is first, one of the two would move or delete rows that the other has counted.
    """
    parts = [catalog.with_parts(catalog.table(entry.model).oid) for entry in entries]
    for one, other in combinations(range(len(entries)), 2):
        if parts[one] & parts[other]:
            yield Error(
                f"{entries[one].name} and {entries[other].name} both change the rows of"
                f" {catalog.table(entries[one].model)}.",
                hint="Keep one of the two in DATA_TYPES, with all the owners.",
                id="transfers.E114",
            )
    for one, entry in enumerate(entries):
        for child in all_children(entry.children):
            below = catalog.with_parts(catalog.table(child.model).oid)
            for other in (other for other in range(len(entries)) if other != one and parts[other] & below):
                if not child.detached:
                    yield child_with_type(entry, entries[other], catalog.table(child.model))
                elif depends_on(entries[other], child, catalog):
                    yield detached_with_type(entry, entries[other], child)
    yield from shared_children(entries, catalog)


def shared_children(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each table of which two data types may change the rows as children of their own.

    Rows may be detached by both, each in a column of its own.
    """
    losing = [entry for entry in entries if can_lose_rows(entry, catalog)]
    for one, other in combinations(losing, 2):
        for mine, theirs in product(all_children(one.children), all_children(other.children)):
            table, of_other = catalog.table(mine.model), catalog.table(theirs.model)
            is_shared = catalog.with_parts(table.oid) & catalog.with_parts(of_other.oid)
            if is_shared and not (mine.detached and theirs.detached):
                yield children_of_two(one, other, table)


def children_of_two(one: DataType, other: DataType, table: Relation) -> CheckMessage:
    return Error(
        f"{table} is a child of {one.name} and of {other.name}: a transfer could delete rows for the one that it has"
        " counted for the other.",
        hint="Let the rows stay when their parents are deleted, with detached=True in the Child of both. Or give one of"
        " the two a rule that deletes no row: Combine(on_clash=Rename(…)).",
        id="transfers.E114",
    )


def depends_on(other: DataType, child: Child, catalog: Catalog) -> bool:
    """Return whether the other type's transfer may delete the rows to detach, or writes or compares the column."""
    column = column_of(child.model, child.field)
    written = {column_of(other.model, field) for field in written_fields(other)}
    in_key = any(column in key.columns for key in clashes(other, catalog))
    return can_lose_rows(other, catalog) or column in written or in_key


def detached_with_type(entry: DataType, other: DataType, child: Child) -> CheckMessage:
    return Error(
        f"{entry.name} detaches rows of {other.name} ({child.field}), which a transfer of {other.name} may delete, or"
        " of which it writes or compares that column: the preview could not say how many are detached.",
        hint=f"Give {other.name} a rule that deletes no row and writes no {child.field}, such as"
        f" Combine(on_clash=Rename(…)) with a key without {child.field}. Or remove {other.name} from DATA_TYPES and"
        " list its owners in NOT_TRANSFERRED.",
        id="transfers.E114",
    )


def child_with_type(entry: DataType, other: DataType, table: Relation) -> CheckMessage:
    return Error(
        f"{table} is a child of {entry.name} and a data type of its own, {other.name}: a transfer could delete rows"
        " that it has counted as moved.",
        hint=f"Remove {other.name} from DATA_TYPES and list its owners in NOT_TRANSFERRED: the rows go with their"
        f" parent. Or give {entry.name} a rule that deletes no row, Combine(on_clash=Rename(…)), and remove the Child.",
        id="transfers.E114",
    )
