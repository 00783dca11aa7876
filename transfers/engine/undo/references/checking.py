"""Leave the records that would refer to a row that is gone, or to another one that has its key by now."""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from transfers.engine.undo.references.keys import (
    Reference,
    as_array,
    has_values,
    keeps,
    numbers_of,
    value_before,
)
from transfers.engine.undo.tables import LATE, UndoneTable, both, filled

NO_PARENT_FOR_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'parent gone'
WHERE d."_why" IS NULL AND d."_inserts" AND {has_values} AND {lacks_parent} AND NOT {returns}
"""
NO_PARENT_FOR_CHANGED = """
UPDATE {changes} AS d SET why = 'parent gone'
WHERE d.why IS NULL AND {differs} && d.differs AND {has_values} AND {lacks_parent} AND NOT {returns}
"""
# The undo may change what the record refers to, as the owner of its parent. Such rows are looked up as they will be.
NO_PARENT = "NOT EXISTS (SELECT FROM {parent} AS p WHERE {is_parent} AND {keeps}){becomes}"
BECOMES = """
AND NOT EXISTS (SELECT FROM {final} AS f JOIN {table} AS p ON {is_record} WHERE {numbers} && f.differs AND {is_parent})
"""
# Its key may belong to another record by now.
PARENT_STAYS_DELETED = """
EXISTS (SELECT FROM {deleted} AS p WHERE p."_why" IS NOT NULL AND p."_inserts" AND {is_parent})
"""
RETURNS = 'EXISTS (SELECT FROM {deleted} AS p WHERE p."_why" IS NULL AND p."_inserts" AND {is_parent})'


def check_references(
    table: UndoneTable, references: Sequence[Reference], tables: Sequence[UndoneTable]
) -> Iterator[sql.Composed]:
    for reference in references:
        if table.deletions and set(reference.columns) <= set(table.kept):
            values = [sql.SQL("d.{}").format(sql.Identifier(name)) for name in reference.columns]
            yield from check_reference(table, reference, tables, NO_PARENT_FOR_DELETED, values)
        # Those of children are in `check_children`.
        known = written_early(table) if reference.is_child else table.columns
        changed = [table.columns.index(name) for name in reference.columns if name in known]
        if changed:
            values = [value_before(table, reference, name) for name in reference.columns]
            yield from check_reference(table, reference, tables, NO_PARENT_FOR_CHANGED, values, changed)


def written_early(table: UndoneTable) -> set[str]:
    """Return the columns of changed records other than children's references."""
    return {name for group in table.changes if group.what not in LATE for name in group.columns}


def check_reference(
    table: UndoneTable,
    reference: Reference,
    tables: Sequence[UndoneTable],
    statement: str,
    values: Sequence[sql.Composed],
    changed: Sequence[int] = (),
) -> Iterator[sql.Composed]:
    """values: what the row `d` refers to. changed: numbers of columns."""
    parents = [parent for parent in reference.parents(tables) if has_values(parent, reference)]
    is_parent = equal(map(value_now, reference.referenced), values)
    lacks_parent = [
        sql.SQL(PARENT_STAYS_DELETED).format(deleted=parent.name("deleted"), is_parent=is_parent)
        for parent in parents
    ]
    if reference.is_enforced:
        lacks_parent.append(no_parent(reference, values, tables))
    returns = [
        sql.SQL(RETURNS).format(deleted=parent.name("deleted"), is_parent=is_parent) for parent in parents
    ]
    for lacks in lacks_parent:  # one by one, because the planner would look at each record for an OR
        yield filled(
            statement,
            changes=table.name("changes"),
            deleted=table.name("deleted"),
            has_values=both(sql.SQL("{} IS NOT NULL").format(value) for value in values),
            lacks_parent=lacks,
            returns=sql.SQL("({})").format(sql.SQL(" OR ").join([*returns, sql.SQL("false")])),
            differs=as_array(changed),
        )


def no_parent(
    reference: Reference, values: Sequence[sql.Composed], tables: Sequence[UndoneTable]
) -> sql.Composed:
    """Return the condition that no row which is there now will have these values."""
    parents = reference.parents(tables)
    becomes = (
        filled(
            BECOMES,
            final=parent.final,
            table=parent.table.identifier,
            numbers=as_array(numbers),
            is_record=parent.is_record("p", "f"),
            is_parent=equal((value_then(parent, name) for name in reference.referenced), values),
        )
        for parent in parents
        if (numbers := numbers_of(parent, reference.referenced))
    )
    return filled(
        NO_PARENT,
        parent=sql.SQL(reference.parent),
        is_parent=equal(map(value_now, reference.referenced), values),
        keeps=keeps(parents, reference.referenced, "p"),
        becomes=sql.SQL("").join(becomes),
    )


def value_now(name: str) -> sql.Composed:
    """Return the column of the parent `p`."""
    return sql.SQL("p.{}").format(sql.Identifier(name))


def value_then(parent: UndoneTable, name: str) -> sql.Composed:
    """Return the column of the parent `p` as it will be, if `f` is what is to be restored of it."""
    if name not in parent.columns:
        return value_now(name)
    return parent.restored(parent.columns.index(name), "f", value_now(name))


def equal(columns: Iterable[sql.Composed], values: Sequence[sql.Composed]) -> sql.Composed:
    return both(
        sql.SQL("{} = {}").format(column, value) for column, value in zip(columns, values, strict=True)
    )
