"""Check the foreign keys of the database, whether a model declares them or not.

An undeclared foreign key to rows that a transfer deletes lets the database delete or change further rows (CASCADE, SET
NULL, SET DEFAULT), or makes the pair fail.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import ForeignKey

from transfers.checks.catalog.tables import Catalog, Reference, Relation, identifier
from transfers.checks.children import KEEP_TREES, goes_with_parent, to_detach
from transfers.checks.introspection import models_of
from transfers.checks.proposals.tables import (
    class_name,
    field_name,
    identifying,
    model_lines,
)
from transfers.checks.tables.keys import (
    can_lose_child_rows,
    can_lose_rows,
    columns_of_kept_rows,
    written_columns,
)
from transfers.checks.tables.partitions import parts_without
from transfers.engine.compiler.children import smallest
from transfers.engine.compiler.owners import column_of
from transfers.rules import Child, DataType, Profile

ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
EFFECTS = {
    "c": "which the database would delete as well",
    "n": "in which the database would set the column to NULL",
    "d": "in which the database would set the column to its default",
}
# Rows that reference the deleted ones, one level up: each parent's oid with the children declared for it.
Chain = Sequence[tuple[int, Sequence[Child]]]


def undeclared_references(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    for entry in entries:
        if can_lose_rows(entry, catalog):
            chain = [(catalog.table(entry.model).oid, entry.children)]
            yield from undeclared_below(entry, chain, catalog)


def undeclared_below(
    entry: DataType, chain: Chain, catalog: Catalog, *, orphaned: bool = False
) -> Iterator[CheckMessage]:
    """Yield an error for each undeclared foreign key to the table at the end of the chain, and below its children."""
    parent, children = chain[-1]
    is_again = parent in [table for table, _ in chain[:-1]]
    for found in references_to(parent, catalog):
        if is_again and is_self(parent, found, catalog):
            continue  # a table that references itself appears below itself, and is declared once
        declared = [child for child in children if matches(child, found, catalog)]
        if not declared:
            yield undeclared(entry, parent, found, catalog)
        elif problem := problem_of(declared[0], parent, found, catalog):
            yield problem_error(entry, parent, found, *problem, catalog)
        elif parts := parts_without_key(declared[0], parent, catalog):
            what = f"the other parts of the declared child, such as {parts[0]}, have no such foreign key"
            hint = f"Declare this part as the Child, by a model of its own:\n    db_table = '{found.table.db_table}'"
            yield problem_error(entry, parent, found, what, hint, catalog)
    for child in children:
        if can_lose_child_rows(entry, child, catalog, orphaned=orphaned):
            below = (catalog.table(child.model).oid, child.children)
            goes = goes_with_parent(entry, child, orphaned=orphaned)
            yield from undeclared_below(entry, [*chain, below], catalog, orphaned=goes)


def references_to(table: int, catalog: Catalog) -> Iterator[Reference]:
    """Yield the foreign keys to the table, to a part of it, or to the partitioned table of which it is a part."""
    tables = catalog.whole(table)
    return (found for found in catalog.references if found.referenced in tables)


def matches(child: Child, found: Reference, catalog: Catalog) -> bool:
    """Return whether the child is the one of this foreign key: by table, partitions included, and column."""
    same_table = found.oid in catalog.with_parts(catalog.table(child.model).oid)
    return same_table and declared_pair(child) in found.pairs


def foreign_key(child: Child) -> "ForeignKey[Any, Any]":
    return cast("ForeignKey[Any, Any]", child.model._meta.get_field(child.field))


def is_self(parent: int, found: Reference, catalog: Catalog) -> bool:
    return found.oid in catalog.with_parts(parent)


def problem_of(child: Child, parent: int, found: Reference, catalog: Catalog) -> tuple[str, str] | None:
    """Return why the declared child does not stand for exactly the rows that reference the deleted ones, and the
    remedy; or None if it does.
    """
    if found.referenced != parent and found.referenced in catalog.with_parts(parent):
        what = f"it references rows of {catalog.relations[found.referenced]} only"
        return what, how_to_change(found, parent, catalog)
    if found.has_period:
        return "a row may refer to several by its PERIOD", how_to_change(found, parent, catalog)
    own = own_keys(child, parent, catalog)
    pairs = pairs_of(child, own)
    if missing := pairs - found.pairs:
        what = f"rows may refer to one by it whatever their {min(missing)[0]}, but would be its children only by both"
        return what, how_to_change(found, parent, catalog)
    if pairs not in [one.pairs for one in (found, *own)]:
        table = catalog.table(child.model)
        what = f"{table} as a whole has no such foreign key, so its rows would be children by fewer columns"
        add = f"ALTER TABLE {table.quoted} ADD {definition(found, catalog.relations[found.referenced])};"
        return what, f"Add it, as the owner of the tables:\n    {add}"
    if len(found.columns) > 1 and found.is_full and child.detached:
        what = f"it is MATCH FULL, so {foreign_key(child).column} cannot be emptied alone"
        return what, "Remove detached=True."
    return None


def own_keys(child: Child, parent: int, catalog: Catalog) -> list[Reference]:
    """Return the foreign keys of the child's whole table, by this column, to the parent."""
    table = catalog.table(child.model).oid
    return [
        found
        for found in references_to(parent, catalog)
        if found.oid == table and declared_pair(child) in found.pairs and not found.has_period
    ]


def pairs_of(child: Child, own: Iterable[Reference]) -> set[tuple[str, str]]:
    """Return the columns by which the engine finds the children of a row, each with that of the parent."""
    return set(smallest(declared_pair(child), ((found.is_validated, found.pairs) for found in own)))


def declared_pair(child: Child) -> tuple[str, str]:
    key = foreign_key(child)
    return str(key.column), str(key.target_field.column)


def definition(found: Reference, of: Relation) -> str:
    columns, key = (", ".join(map(identifier, one)) for one in (found.columns, found.referenced_columns))
    return f"FOREIGN KEY ({columns}) REFERENCES {of.quoted} ({key})"


def is_unique(table: int, column: str, catalog: Catalog) -> bool:
    return any(
        index.is_unique and not index.predicate and index.names == (column,)
        for index in catalog.indexes_of(table)
    )


def parts_without_key(child: Child, parent: int, catalog: Catalog) -> list[Relation]:
    """Return the parts of the child's table that its foreign keys to the parent do not cover."""
    keys = [found for found in references_to(parent, catalog) if matches(child, found, catalog)]
    return parts_without(keys, catalog.table(child.model).oid, catalog)


def undeclared(entry: DataType, parent: int, found: Reference, catalog: Catalog) -> CheckMessage:
    effect = EFFECTS.get(found.on_delete, "so such a pair would fail")
    is_tree = is_self(parent, found, catalog)
    changed = {column for model, column in written_columns(entry) if catalog.table(model).oid == parent}
    if found.has_period or not changed.isdisjoint(found.referenced_columns):
        hint = how_to_change(found, parent, catalog)
    else:
        hint = KEEP_TREES if is_tree else how_to_declare(entry, parent, found, catalog)
        is_generated = found.columns[-1] in catalog.generated.get(found.oid, {})
        if found.columns[-1] in found.nullable and not is_generated:
            hint += to_detach(
                found.columns[-1], class_name(found.table.name), field_name(identifying(found)[0])
            )
    return Error(
        f"A transfer of {entry.name} may delete rows of {catalog.relations[parent]} that {found.table}"
        f" ({', '.join(found.columns)}) references (foreign key {found.name}, ON DELETE"
        f" {ACTIONS[found.on_delete]}), {effect}.",
        hint=hint,
        id="transfers.E103",
    )


def how_to_declare(entry: DataType, parent: int, found: Reference, catalog: Catalog) -> str:
    name, field = class_name(found.table.name), field_name(identifying(found)[0])
    models = [model for model in models_of(entry) if catalog.oid(model) == parent]
    target = models[0]._meta.label if models else entry.model._meta.label
    return (
        f"Declare it in the DataType {entry.name!r}, with the model of {found.table} and its field for"
        f" {', '.join(found.columns)}:\n"
        f'    children=(Child({name}, "{field}"),)\n'
        "If the table has no model, add one to an app of your own (docs/extending.md):\n"
        f"{model_lines([found], target, catalog)}"
    )


def problem_error(
    entry: DataType, parent: int, found: Reference, problem: str, hint: str, catalog: Catalog
) -> CheckMessage:
    return Error(
        f"{entry.name}: the foreign key {found.name} of {found.table} ({', '.join(found.columns)}) references rows of"
        f" {catalog.relations[parent]} that a transfer may delete, and {problem}.",
        hint=hint,
        id="transfers.E103",
    )


def how_to_change(found: Reference, parent: int, catalog: Catalog) -> str:
    of = catalog.relations[parent]
    return (
        f"Let a foreign key of {found.table} reference {of} by a column that alone identifies a row, such as an"
        " identity column, declare the Child by that one, and drop this one as the owner of the table:\n"
        f"    ALTER TABLE {found.table.quoted} DROP CONSTRAINT {identifier(found.name)};\n"
        "Or choose a rule that deletes no row: Combine(on_clash=Rename(…))."
    )


# --- Foreign keys to columns that a transfer changes -----------------------------------------------------------------


def followed_changes(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key by which the database changes other rows when a transfer changes a column."""
    for entry in entries:
        for model, column in columns_of_kept_rows(entry, catalog):
            for found in references_to(catalog.table(model).oid, catalog):
                if depending(found, column, catalog) and found.on_update in EFFECTS:
                    yield Error(
                        f"{entry.name}: a transfer changes {model._meta.db_table}.{column}, and the foreign key"
                        f" {found.name} of {found.table} is ON UPDATE {ACTIONS[found.on_update]}, so the database would"
                        " change its rows uncounted.",
                        hint=f"Let it reference a key without {column}, such as the primary key, or drop it:\n"
                        f"    ALTER TABLE {found.table.quoted} DROP CONSTRAINT {identifier(found.name)};",
                        id="transfers.E111",
                    )


def depending(found: Reference, column: str, catalog: Catalog) -> list[str]:
    """Return the columns of the foreign key that refer to this column, or to one that is generated from it."""
    of, pairs = found.referenced, zip(found.columns, found.referenced_columns, strict=True)
    return sorted(one for one, other in pairs if catalog.depends(of, other, column))


LATER = "\nIf {} is an owner of a data type too, let the key be DEFERRABLE INITIALLY DEFERRED."


def left_behind(entries: Sequence[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield a warning for each foreign key to a column that a transfer changes while the rows that refer to it stay.

    The row of a profile stays with its user, and an owner that may be cleared does not follow the others.
    """
    moved = {
        (catalog.table(entry.model).oid, column_of(entry.model, owner.field))
        for entry in entries
        if not isinstance(entry.rule, Profile)
        for number, owner in enumerate(entry.owners)
        if not (number == 1 and entry.self_edges == "clear")
    }
    for entry in entries:
        for model, column in columns_of_kept_rows(entry, catalog):
            table = catalog.table(model).oid
            for found in references_to(table, catalog):
                if found.on_update in "ar" and (depend := depending(found, column, catalog)):
                    of_column = depend[0]
                    # A row and those that refer to it change in one statement, or the key is checked after both.
                    at_once = found.is_deferred or (found.on_update == "a" and is_self(table, found, catalog))
                    if not (at_once and {(table, column), *((found.oid, one) for one in depend)} <= moved):
                        yield Warning(
                            f"{entry.name}: a transfer changes {model._meta.db_table}.{column}, to which {found.table}"
                            f" ({of_column}) refers (foreign key {found.name}, ON UPDATE {ACTIONS[found.on_update]}),"
                            " so each pair of which such rows refer to a changed record fails.",
                            hint=f"Let it reference a key without {column}, such as the primary key, or drop it:\n"
                            f"    ALTER TABLE {found.table.quoted} DROP CONSTRAINT {identifier(found.name)};"
                            + ("" if found.is_deferred else LATER.format(of_column)),
                            id="transfers.W107",
                        )
