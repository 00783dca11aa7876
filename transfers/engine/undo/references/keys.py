"""The foreign keys of the record tables, which the database or only a Child declares."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db.models import Model
from psycopg import sql

from transfers.engine.catalog.names import quoted
from transfers.engine.catalog.policies import HIDES_ROWS
from transfers.engine.compiler.children import referenced_column
from transfers.engine.compiler.owners import column_of
from transfers.engine.stage import fetch
from transfers.engine.undo.loading.entries import qualified_names
from transfers.engine.undo.tables import UndoneTable, both, filled
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


KEEPS = "NOT EXISTS (SELECT FROM {final} AS f WHERE {numbers} && f.differs AND {is_record})"


def keeps(tables: Iterable[UndoneTable], columns: Collection[str], record: str) -> sql.Composed:
    """Return the condition that the undo does not change these columns of a record of the tables. record: its alias."""
    return both(
        (
            sql.SQL("true"),
            *(
                filled(
                    KEEPS,
                    final=table.final,
                    numbers=as_array(numbers),
                    is_record=table.is_record(record, "f"),
                )
                for table in tables
                if (numbers := numbers_of(table, columns))
            ),
        )
    )


def numbers_of(table: UndoneTable, columns: Collection[str]) -> list[int]:
    return [number for number, name in enumerate(table.columns) if name in columns]


def as_array(numbers: Sequence[int]) -> sql.Composed:
    return sql.SQL("{}::integer[]").format(sql.Literal(list(numbers)))
