"""Leave the children whose parent, which the same pair deleted, does not return."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from psycopg import sql

from transfers.engine.undo.references.keys import Reference, has_values, value_before
from transfers.engine.undo.tables import LATE, UndoneTable, both, filled

CHILD_CHANGED = """
UPDATE {changes} AS d SET why = 'parent gone'
FROM transfer_entry AS e
WHERE e.id = d.entry AND d.why IS NULL AND d.what IN ('adopted', 'detached') AND {number} = ANY (d.differs)
    AND NOT ({returns})
"""
CHILD_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'parent gone'
FROM transfer_entry AS e
WHERE e.id = d."_entry" AND d."_why" IS NULL AND d."_what" = 'children' AND NOT ({returns})
"""
# A record of the type itself, in a tree, may return although its parent was not there, but not below another one.
RECORD_BELOW_DELETED = """
UPDATE {deleted} AS d SET "_why" = 'parent gone'
FROM transfer_entry AS e
WHERE e.id = d."_entry" AND d."_why" IS NULL AND d."_what" <> 'children' AND ({stay})
"""
PARENT_OF_PAIR = """
EXISTS (
    SELECT FROM {deleted} AS p JOIN transfer_entry AS of ON of.id = p."_entry"
    WHERE {same_pair} AND p."_why" IS {state} AND {is_parent}
)
"""
RETURNS_WITH_PAIR, STAYS = "NULL", "NOT NULL"


def check_children(
    table: UndoneTable, references: Sequence[Reference], tables: Sequence[UndoneTable]
) -> Iterator[sql.Composed]:
    """Mark the children whose parent, which the same pair deleted, does not return.

    Another row may have the parent's number by now: one with the same natural key, or, by a foreign key of several
    columns, one of another area, if people moved the child there.
    """
    declared = [reference for reference in references if reference.is_child]
    late = dict.fromkeys(name for group in table.changes if group.what in LATE for name in group.columns)
    for column in late:
        if of_column := [reference for reference in declared if column in reference.columns]:
            yield filled(
                CHILD_CHANGED,
                changes=table.name("changes"),
                number=sql.Literal(table.columns.index(column)),
                returns=parents_of_pair(of_column, tables, lambda one, name: value_before(table, one, name)),
            )
    readable = [reference for reference in declared if set(reference.columns) <= set(table.kept)]
    of_deleted = {"deleted": table.name("deleted")}
    if declared and any(group.what == "children" for group in table.deletions):
        # What a record had when it was deleted may be that of another pair, which is taken back, too.
        returns = parents_of_pair(readable, tables, of_record, same_pair=not table.returns)
        yield filled(CHILD_DELETED, returns=returns, **of_deleted)
    in_tree = [reference for reference in readable if table in reference.parents([table])]
    if in_tree and table.deletions:
        stay = parents_of_pair(in_tree, [table], of_record, STAYS)
        yield filled(RECORD_BELOW_DELETED, stay=stay, **of_deleted)


def of_record(_: Reference, name: str) -> sql.Composed:
    return filled("d.{name}", name=sql.Identifier(name))


def parents_of_pair(
    references: Iterable[Reference],
    tables: Sequence[UndoneTable],
    value: Callable[[Reference, str], sql.Composed],
    state: str = RETURNS_WITH_PAIR,
    *,
    same_pair: bool = True,
) -> sql.Composed:
    """Return the condition that a parent of the row `d`, which its pair deleted, returns or stays.

    value: that of a column of `d`.
    """
    conditions = [
        filled(
            PARENT_OF_PAIR,
            deleted=parent.name("deleted"),
            same_pair=sql.SQL("of.undone = e.undone" if same_pair else "true"),
            state=sql.SQL(state),
            is_parent=both(
                filled("p.{of} = {value}", of=sql.Identifier(of), value=value(reference, name))
                for name, of in zip(reference.columns, reference.referenced, strict=True)
            ),
        )
        for reference in references
        for parent in reference.parents(tables)
        if has_values(parent, reference)
    ]
    return sql.SQL(" OR ").join(conditions) if conditions else filled("false")
