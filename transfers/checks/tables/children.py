"""Check that a declared child says which rows are children of which, and that these can be deleted or kept."""

import re
from collections.abc import Iterable, Iterator, Sequence

from django.core.checks import CheckMessage, Error, Warning
from django.db.models import ForeignKey, Model

from transfers.checks.catalog.tables import Catalog, Reference, Relation, grouped, identifier, reached
from transfers.checks.children import KEEP_TREES, goes_with_parent, to_detach
from transfers.checks.tables.keys import can_lose_child_rows, can_lose_rows
from transfers.checks.tables.references import (
    ACTIONS,
    declared_pair,
    definition,
    foreign_key,
    is_unique,
    matches,
    own_keys,
    pairs_of,
    references_to,
)
from transfers.engine.compiler.owners import column_of
from transfers.rules import Child, DataType, all_children

AND_KEEP_ROWS = "and choose a rule that deletes no row: Combine(on_clash=Rename(…))."


def not_foreign_keys(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """Yield an error for each child whose field is no foreign key to its parent."""
    for entry in entries:
        yield from not_to_parent(entry, entry.model, entry.children)


def not_to_parent(entry: DataType, parent: type[Model], children: Sequence[Child]) -> Iterator[CheckMessage]:
    for child in children:
        field = child.model._meta.get_field(child.field)
        target = field.related_model
        if not isinstance(field, ForeignKey) or not (isinstance(target, type) and issubclass(parent, target)):
            name = child.model._meta.object_name
            yield Error(
                f"{entry.name}: {child.model._meta.label}.{child.field} is no foreign key to {parent._meta.label}, so"
                " it does not say which rows are children of which.",
                hint="Name the foreign key. In an unmanaged model, declare it:\n"
                f"    {child.field} = models.ForeignKey({parent._meta.object_name}, models.DO_NOTHING)\n"
                f'    children=(Child({name}, "{child.field}"),)',
                id="transfers.E103",
            )
        yield from not_to_parent(entry, child.model, child.children)


def trees(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each type of which rows to delete may be parents of rows that are kept, or of each other."""
    for entry in entries:
        table = catalog.table(entry.model)
        if can_lose_rows(entry, catalog):
            for child in all_children(entry.children):
                if catalog.table(child.model).oid == table.oid and not child.detached:
                    why = (
                        "A row that is to be moved or replaced could be discarded, as a row below another one."
                        if entry.overwrites
                        else "A row that is kept could become its own parent, or be discarded with the row that is"
                        " dropped."
                    )
                    yield Error(
                        f"{entry.name}: rows of {table} reference other rows of {table} by {child.field}. {why}",
                        hint=f"Remove the Child. {KEEP_TREES}"
                        + to_detach(column_of(child.model, child.field), child.model.__name__, child.field),
                        id="transfers.E115",
                    )


def circles(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield an error for each foreign key that closes a circle of rows which a transfer may delete.

    Whichever of them are deleted first, the others refer to them. The database must look at that afterwards.
    """
    for entry in entries:
        if not can_lose_rows(entry, catalog):
            continue
        own = catalog.table(entry.model).oid
        declared = list(below(entry, entry.children, own, catalog))
        deleted = [
            (catalog.root(table), catalog.root(parent))
            for child, table, parent in declared
            if not child.detached
        ]
        steps = grouped(deleted)
        lost = {catalog.root(own), *(table for table, _ in deleted)}
        for child, table, parent in declared:
            of, to = catalog.root(table), catalog.root(parent)
            if child.detached and of != to and of in lost & reached(to, steps):
                for found in references_to(parent, catalog):
                    if matches(child, found, catalog) and not (found.is_deferred and found.on_delete == "a"):
                        yield circle_error(entry, parent, found, catalog)


def below(
    entry: DataType, children: Iterable[Child], parent: int, catalog: Catalog, *, orphaned: bool = False
) -> Iterator[tuple[Child, int, int]]:
    """Yield the children of which a transfer may delete or detach rows, each with its table and that of its parent."""
    for child in children:
        table = catalog.table(child.model).oid
        loses = can_lose_child_rows(entry, child, catalog, orphaned=orphaned)
        if loses or child.detached:
            yield child, table, parent
        if loses:
            goes = goes_with_parent(entry, child, orphaned=orphaned)
            yield from below(entry, child.children, table, catalog, orphaned=goes)


def circle_error(entry: DataType, parent: int, found: Reference, catalog: Catalog) -> CheckMessage:
    of, table = catalog.relations[parent], found.table
    name = identifier(found.name)
    return Error(
        f"{entry.name}: a transfer may delete rows of {of} and rows of {table} that they belong to, and which refer to"
        f" them by {found.columns[-1]}. Whichever is deleted first, the foreign key {found.name} is in the way (ON"
        f" DELETE {ACTIONS[found.on_delete]}).",
        hint="Let it be checked when all are deleted, as the owner of the table:\n"
        f"    ALTER TABLE {table.quoted} DROP CONSTRAINT {name}, ADD CONSTRAINT {name}\n"
        f"        {definition(found, of)} DEFERRABLE INITIALLY DEFERRED;",
        id="transfers.E103",
    )


def ambiguous_parents(entries: Iterable[DataType], catalog: Catalog) -> Iterator[CheckMessage]:
    """Yield a warning for children of which the number may be that of several rows.

    They may be rows of several tables, or of a partitioned one of which no key makes sure that a number is there once.
    """
    for entry in entries:
        if can_lose_rows(entry, catalog):
            for child in all_children(entry.children):
                parent = catalog.relations.get(catalog.oid(foreign_key(child).related_model) or 0)
                if parent:
                    yield from in_several_partitions(entry, child, parent, catalog)
                    yield from in_several_tables(entry, child, parent, catalog)


def in_several_partitions(
    entry: DataType, child: Child, parent: Relation, catalog: Catalog
) -> Iterator[CheckMessage]:
    column, referenced = declared_pair(child)
    if (
        parent.kind == "p"
        and not is_unique(parent.oid, referenced, catalog)
        and len(pairs_of(child, own_keys(child, parent.oid, catalog))) == 1
    ):
        yield Warning(
            f"{entry.name}: {child.model._meta.db_table}.{column} references {referenced} of {parent}, which is"
            f" partitioned, and no key of it has {referenced} alone. If two rows have the same value, the children of"
            " both are deleted or re-pointed.",
            hint="If one sequence numbers all rows, and none is there in several versions, nothing has to be done."
            " Otherwise let a foreign key hold the columns by which it is partitioned too: it then says which row is"
            f" meant. Or remove the Child, {AND_KEEP_ROWS}",
            id="transfers.W108",
        )


def in_several_tables(
    entry: DataType, child: Child, parent: Relation, catalog: Catalog
) -> Iterator[CheckMessage]:
    column, _ = declared_pair(child)
    kind = column_of_kind(column, catalog.columns_of(child.model))
    if kind and not own_keys(child, parent.oid, catalog):
        yield Warning(
            f"{entry.name}: {child.model._meta.db_table}.{column} references {parent}, but no foreign key says so, and"
            f" {kind} seems to say which table is meant. Children of rows of other tables, with the same numbers, would"
            " be deleted, re-pointed or detached too.",
            hint=f"If {column} holds numbers of {parent} only, create the foreign key. Otherwise remove the Child,"
            f" {AND_KEEP_ROWS}",
            id="transfers.W109",
        )


def column_of_kind(column: str, columns: Iterable[str]) -> str:
    """Return the column that says to which table the number refers, if there is one: parent_type beside parent_id."""
    stem = re.sub("_?id$", "", column.lower())
    kinds = {
        f"{stem}{between}{kind}"
        for kind in ("type", "kind", "class", "table", "model")
        for between in ("", "_")
    }
    kinds |= {"content_type", "content_type_id"} if stem == "object" else set()
    return next((name for name in columns if name.lower() in kinds), "")
