"""The foreign keys of the record tables, by which restored rows depend on others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db.models import Model
from psycopg import sql

from transfers.engine.catalog.names import quoted
from transfers.engine.catalog.policies import HIDES_ROWS
from transfers.engine.compiler.children import referenced_column
from transfers.engine.compiler.owners import column_of
from transfers.engine.stage import fetch
from transfers.engine.undo.loading.entries import qualified_names
from transfers.engine.undo.tables import LATE, UndoneTable, both, filled
from transfers.rules import Child

# Constraints of referenced partitions repeat that of the whole table. A row that a policy hides, such as a user of
# another tenant, cannot be looked for; nor can a row of a table that this role may not read, or the rows that cover a
# PERIOD together. These references are left to the constraint itself: if such a row is gone, PostgreSQL refuses the
# batch, and each pair without it is undone. Servers before PostgreSQL 18 lack the columns of a PERIOD and of NOT
# ENFORCED, but not the document of the row.
REFERENCES = f"""
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text,
    coalesce(pg_partition_root(k.confrelid), k.confrelid)::regclass::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place),
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place),
    NOT to_jsonb(k) @> '{{"conenforced": false}}'
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.confrelid
WHERE k.contype = 'f' AND k.conrelid = ANY (%(tables)s::regclass[]::oid[])
    AND NOT EXISTS (SELECT FROM pg_constraint AS p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)
    AND NOT to_jsonb(k) @> '{{"conperiod": true}}'
    AND NOT ({HIDES_ROWS})
    AND has_schema_privilege(c.relnamespace, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM unnest(k.confkey) AS u (number)
        WHERE NOT has_column_privilege(k.confrelid, u.number, 'SELECT')
    )
"""  # noqa: S608  # nosec B608  (a constant is inserted)
# No policy is excepted: those of this product hide the rows of other tenants.
NOTHING_EXCEPTED: dict[str, list[str]] = {"protected": [], "own_policies": []}


class Reference(NamedTuple):
    """A foreign key. `parent` is the referenced table as PostgreSQL prints it, and `root` that of which it is a part.

    One that is not enforced may lead nowhere, but not to a row that the undo itself leaves deleted. is_child: a data
    type declares it as that of a Child.
    """

    parent: str
    root: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    is_enforced: bool
    is_child: bool = False

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return set(zip(self.columns, self.referenced, strict=True))

    def parents(self, tables: Iterable[UndoneTable]) -> list[UndoneTable]:
        """Return those of the tables that have referenced rows: a data type may have one partition only."""
        return [found for found in tables if found.table.root == self.root]


def references_of(tables: Sequence[UndoneTable]) -> dict[str, list[Reference]]:
    """Return the foreign keys of each table, by its name in the journal, also those that only a Child declares."""
    found: dict[str, list[Reference]] = defaultdict(list)
    parameters = {"tables": [table.regclass for table in tables], **NOTHING_EXCEPTED}
    for table, parent, root, columns, referenced, is_enforced in fetch(REFERENCES, parameters):
        found[table].append(Reference(parent, root, tuple(columns), tuple(referenced), is_enforced))
    for table, declared in declared_references(tables):
        same = [one for one in found[table] if declared.root == one.root and declared.pairs <= one.pairs]
        others = [one for one in found[table] if one not in same]
        found[table] = [*others, *(one._replace(is_child=True) for one in same or [declared])]
    return found


def declared_references(tables: Sequence[UndoneTable]) -> Iterator[tuple[str, Reference]]:
    """Yield the references of the declared children, each with the table that has it. The database may lack the key."""
    links = {
        (child, parent)
        for table in tables
        for entry in table.types
        for child, parent in with_parents(entry.model, entry.children)
    }
    if not links:
        return
    names = {quoted(model._meta.db_table) for child, parent in links for model in (child.model, parent)}
    qualified = qualified_names(names)
    by_name = {table.table.name: table for table in tables}
    for child, parent in links:
        own, above = (
            by_name.get(qualified.get(quoted(model._meta.db_table), "")) for model in (child.model, parent)
        )
        if own and above:
            columns = (column_of(child.model, child.field),), (referenced_column(child),)
            yield (
                own.regclass,
                Reference(above.regclass, above.table.root, *columns, is_enforced=False, is_child=True),
            )


def with_parents(parent: type[Model], children: Iterable[Child]) -> Iterator[tuple[Child, type[Model]]]:
    for child in children:
        yield child, parent
        yield from with_parents(child.model, child.children)


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
PARENT_RETURNS = """
EXISTS (
    SELECT FROM {deleted} AS p JOIN transfer_entry AS of ON of.id = p."_entry"
    WHERE of.undone = e.undone AND p."_why" IS NULL AND {is_parent}
)
"""


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
                returns=parent_returns(of_column, tables, lambda one, name: value_before(table, one, name)),
            )
    if declared and any(group.what == "children" for group in table.deletions):
        readable = [reference for reference in declared if set(reference.columns) <= set(table.kept)]
        yield filled(
            CHILD_DELETED,
            deleted=table.name("deleted"),
            returns=parent_returns(
                readable, tables, lambda _, name: filled("d.{name}", name=sql.Identifier(name))
            ),
        )


def parent_returns(
    references: Iterable[Reference],
    tables: Sequence[UndoneTable],
    value: Callable[[Reference, str], sql.Composed],
) -> sql.Composed:
    """Return the condition that a parent of the row `d` returns. value: that of a column of `d`."""
    conditions = [
        filled(
            PARENT_RETURNS,
            deleted=parent.name("deleted"),
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


def has_values(parent: UndoneTable, reference: Reference) -> bool:
    """Return whether the deleted rows of the parent have the referenced columns."""
    return bool(parent.deletions) and set(reference.referenced) <= set(parent.kept)


def value_before(table: UndoneTable, reference: Reference, column: str) -> sql.Composed:
    """Return the value that the column of the record `d` gets back, or keeps if only others of the key were changed."""
    before = [sql.Identifier(f"b{n}") for n, name in enumerate(table.columns) if name == column]
    if len(reference.columns) == 1:
        return filled("d.{before}", before=before[0])
    return filled(
        "CASE WHEN {number} = ANY (d.differs) THEN {before}"
        " ELSE (SELECT t.{name} FROM {table} AS t WHERE {is_record}) END",
        number=sql.Literal(table.columns.index(column) if before else -1),
        before=sql.SQL("d.{}").format(*before) if before else sql.SQL("NULL"),
        name=sql.Identifier(column),
        table=table.table.identifier,
        is_record=table.is_record("t", "d"),
    )


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
