"""The foreign keys of the record tables, by which restored rows depend on others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from psycopg import sql

from transfers.engine.catalog.policies import HIDES_ROWS
from transfers.engine.stage import fetch
from transfers.engine.undo.tables import UndoneTable, both, filled

# Constraints of partitions repeat that of their parent table. A row that a policy hides, such as a user of another
# tenant, cannot be looked for; nor can a row of a table that this role may not read, or the rows that cover a PERIOD
# together. These references are left to the constraint itself: if such a row is gone, PostgreSQL refuses the batch, and
# each pair without it is undone. A reference that is NOT ENFORCED may lead nowhere. Servers before PostgreSQL 18 lack
# the columns that say so, but not the document of the row.
REFERENCES = f"""
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place),
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT ({HIDES_ROWS})
    AND has_schema_privilege(c.relnamespace, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM unnest(k.confkey) AS u (number)
        WHERE NOT has_column_privilege(k.confrelid, u.number, 'SELECT')
    )
    AND NOT to_jsonb(k) @> ANY (ARRAY['{{"conperiod": true}}', '{{"conenforced": false}}']::jsonb[])
    AND k.conrelid = ANY (%(tables)s::regclass[]::oid[])
"""  # noqa: S608  # nosec B608  (a constant is inserted)
# No policy is excepted: those of this product hide the rows of other tenants.
NOTHING_EXCEPTED: dict[str, list[str]] = {"protected": [], "own_policies": []}


class Reference(NamedTuple):
    """A foreign key. `parent` is the referenced table as PostgreSQL prints it."""

    parent: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


def references_of(tables: Iterable[UndoneTable]) -> dict[str, list[Reference]]:
    """Return the foreign keys of each table, by the table's name in the journal. Takes one query."""
    found: dict[str, list[Reference]] = defaultdict(list)
    parameters = {"tables": [table.regclass for table in tables], **NOTHING_EXCEPTED}
    for table, parent, columns, referenced in fetch(REFERENCES, parameters):
        found[table].append(Reference(parent, tuple(columns), tuple(referenced)))
    return found


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
        parent = next((found for found in tables if found.regclass == reference.parent), None)
        if table.deletions and set(reference.columns) <= set(table.kept):
            yield from check_reference(
                table, reference, parent, NO_PARENT_FOR_DELETED, list(reference.columns)
            )
        if set(reference.columns) <= set(table.columns):
            changed = [table.columns.index(name) for name in reference.columns]
            columns = [f"b{number}" for number in changed]
            yield from check_reference(table, reference, parent, NO_PARENT_FOR_CHANGED, columns, changed)


def check_reference(
    table: UndoneTable,
    reference: Reference,
    parent: UndoneTable | None,
    statement: str,
    columns: list[str],
    changed: Sequence[int] = (),
) -> Iterator[sql.Composed]:
    is_parent = both(
        sql.SQL("p.{} = d.{}").format(sql.Identifier(referenced), sql.Identifier(name))
        for referenced, name in zip(reference.referenced, columns, strict=True)
    )
    lacks_parent = [sql.SQL(NO_PARENT).format(parent=sql.SQL(reference.parent), is_parent=is_parent)]
    returns: sql.Composable = sql.SQL("false")
    if parent and parent.deletions and set(reference.referenced) <= set(parent.kept):
        names = {"deleted": parent.name("deleted"), "is_parent": is_parent}
        returns = sql.SQL(RETURNS).format(**names)
        lacks_parent.append(sql.SQL(PARENT_STAYS_DELETED).format(**names))
    for lacks in lacks_parent:  # one by one, because the planner would look at each record for an OR
        yield filled(
            statement,
            changes=table.name("changes"),
            deleted=table.name("deleted"),
            has_values=both(sql.SQL("d.{} IS NOT NULL").format(sql.Identifier(name)) for name in columns),
            lacks_parent=lacks,
            returns=returns,
            differs=sql.SQL("{}::integer[]").format(sql.Literal(list(changed))),
        )
