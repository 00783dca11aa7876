"""Leave the records that would refer to a row that is gone, or to another one that has its key by now."""

from collections.abc import Iterator, Sequence

from psycopg import sql

from transfers.engine.undo.references.keys import Reference, has_values, value_before
from transfers.engine.undo.tables import LATE, UndoneTable, both, filled

NO_PARENT_FOR_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'parent gone'
WHERE d."_why" IS NULL AND d."_inserts" AND {has_values} AND {lacks_parent} AND NOT {returns}
"""
NO_PARENT_FOR_CHANGED = """
UPDATE {changes} AS d SET why = 'parent gone'
WHERE d.why IS NULL AND {differs} && d.differs AND {has_values} AND {lacks_parent} AND NOT {returns}
"""
NO_PARENT = "NOT EXISTS (SELECT FROM {parent} AS p WHERE {is_parent})"
# Its key may belong to another record by now.
PARENT_STAYS_DELETED = """
EXISTS (SELECT FROM {deleted} AS p WHERE p."_why" IS NOT NULL AND p."_inserts" AND {is_parent})
"""
RETURNS = 'EXISTS (SELECT FROM {deleted} AS p WHERE p."_why" IS NULL AND p."_inserts" AND {is_parent})'


def check_references(
    table: UndoneTable, references: Sequence[Reference], tables: Sequence[UndoneTable]
) -> Iterator[sql.Composed]:
    for reference in references:
        parents = [parent for parent in reference.parents(tables) if has_values(parent, reference)]
        # What a record refers to may get the referenced value back itself, as that of the owner. The key sees to it.
        returned = {name for parent in reference.parents(tables) for name in parent.assigned}
        is_looked_up = reference.is_enforced and returned.isdisjoint(reference.referenced)
        if table.deletions and set(reference.columns) <= set(table.kept):
            values = [sql.SQL("d.{}").format(sql.Identifier(name)) for name in reference.columns]
            yield from check_reference(
                table, reference, parents, NO_PARENT_FOR_DELETED, values, is_looked_up=is_looked_up
            )
        # Those of children are in `check_children`.
        known = written_early(table) if reference.is_child else table.columns
        changed = [table.columns.index(name) for name in reference.columns if name in known]
        if changed:
            values = [value_before(table, reference, name) for name in reference.columns]
            yield from check_reference(
                table, reference, parents, NO_PARENT_FOR_CHANGED, values, changed, is_looked_up=is_looked_up
            )


def written_early(table: UndoneTable) -> set[str]:
    """Return the columns of changed records other than children's references."""
    return {name for group in table.changes if group.what not in LATE for name in group.columns}


def check_reference(
    table: UndoneTable,
    reference: Reference,
    parents: Sequence[UndoneTable],
    statement: str,
    values: Sequence[sql.Composed],
    changed: Sequence[int] = (),
    *,
    is_looked_up: bool,
) -> Iterator[sql.Composed]:
    """parents: those of which rows were deleted. values: what the row `d` refers to. changed: numbers of columns.

    is_looked_up: the row must be there, if it does not return.
    """
    is_parent = both(
        sql.SQL("p.{} = {}").format(sql.Identifier(referenced), value)
        for referenced, value in zip(reference.referenced, values, strict=True)
    )
    lacks_parent = [
        sql.SQL(PARENT_STAYS_DELETED).format(deleted=parent.name("deleted"), is_parent=is_parent)
        for parent in parents
    ]
    if is_looked_up:
        lacks_parent.append(sql.SQL(NO_PARENT).format(parent=sql.SQL(reference.parent), is_parent=is_parent))
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
            differs=sql.SQL("{}::integer[]").format(sql.Literal(list(changed))),
        )
