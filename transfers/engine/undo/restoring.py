"""Write the rows as they were: moved, changed and folded rows first, which frees the unique keys of deleted ones; then
deleted rows, parents before their children; then what triggers changed in these; then the rows that refer to them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django.db import connection
from psycopg import sql

from transfers.engine.compiler.steps import as_text, comma
from transfers.engine.undo.tables import UndoneTable, filled, rows, send
from transfers.engine.verification.mismatch import DELETE, INSERT, UPDATE, TotalsMismatch, mismatch

# Counts, so that no row is sent for each locked one.
LOCK = """
SELECT count(*) FROM (SELECT FROM {table} AS t JOIN {changes} AS c ON {is_record} FOR UPDATE OF t) AS locked
"""
INSERT_ROWS = """
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
SELECT {columns} FROM {deleted} WHERE "_why" IS NULL AND "_inserts" {returning}
"""
# Without a primary key the rows cannot be found again, so they are compared as PostgreSQL returns them.
INSERT_WITHOUT_KEY = """
WITH written AS ({insert})
SELECT (SELECT count(*) FROM written), count(*)
FROM (
    SELECT ROW({columns})::text FROM {deleted} WHERE "_why" IS NULL AND "_inserts"
    EXCEPT ALL
    SELECT ROW({columns})::text FROM written
) AS other
"""


class Written(Counter[tuple[str, str]]):
    """The number of rows that were written, by (table as PostgreSQL prints it, "updated" or "inserted")."""


def lock_rows(tables: Sequence[UndoneTable]) -> None:
    send(
        filled(
            LOCK,
            table=table.table.identifier,
            changes=table.name("changes"),
            is_record=table.is_record("t", "c"),
        )
        for table in tables
        if table.changes
    )


def restore(tables: Sequence[UndoneTable]) -> Written:
    """Write all rows that are to be restored, and return how many were written."""
    written = Written()
    for table in tables:
        written[table.regclass, "updated"] += update(table, late=False)
    for table in parents_first(sorted(tables, key=lambda found: -found.last_entry)):
        written[table.regclass, "inserted"] += insert(table)
    for table in tables:
        written[table.regclass, "updated"] += write_again(table)
        written[table.regclass, "updated"] += update(table, late=True)
    return written


def parents_first(tables: Sequence[UndoneTable]) -> Iterator[UndoneTable]:
    """Yield the tables in this order, but each after those that its foreign keys refer to, unless in a circle."""
    waiting = list(tables)
    while waiting:
        names = {table.regclass for table in waiting}
        free = (table for table in waiting if not (table.parents & names) - {table.regclass})
        waiting.remove(found := next(free, waiting[0]))
        yield found


def update(table: UndoneTable, *, late: bool) -> int:
    """Give the records back those columns that refer to deleted rows (`late`), or the others.

    A record of which both kinds are restored is written twice.
    """
    has_late = any(group.what in ("adopted", "detached") for group in table.changes)
    if not table.changes or (late and not has_late):
        return 0
    columns = [n for n, name in enumerate(table.columns) if name not in table.table.numbered]
    assignments = (
        sql.SQL("{0} = CASE WHEN {1} = ANY (f.differs){3} THEN f.{2} ELSE t.{0} END").format(
            sql.Identifier(table.columns[n]),
            sql.Literal(n),
            sql.Identifier(f"f{n}"),
            sql.SQL("" if late or not has_late else " AND {} <> ALL (f.late)").format(sql.Literal(n)),
        )
        for n in columns
    )
    early: sql.Composable = sql.SQL("EXISTS (SELECT unnest(f.differs) EXCEPT SELECT unnest(f.late))")
    condition = sql.SQL("f.late <> '{}'") if late else early if has_late else sql.SQL("f.differs <> '{}'")
    statement = sql.SQL("UPDATE {} AS t SET {} FROM {} AS f WHERE {} AND {}")
    return execute_counting(
        statement.format(
            table.table.identifier,
            comma(assignments),
            table.final,
            table.is_record("t", "f"),
            condition,
        )
    )


def insert(table: UndoneTable) -> int:
    if not table.deletions:
        return 0
    names = {
        "table": table.table.identifier,
        "columns": comma(map(sql.Identifier, table.restorable)),
        "deleted": table.name("deleted"),
    }
    if table.keys:
        return count_of(INSERT_ROWS, returning=sql.SQL(""), **names)
    statement = sql.SQL(INSERT_ROWS).format(returning=sql.SQL("RETURNING {columns}").format(**names), **names)
    [(number, changed)] = rows(INSERT_WITHOUT_KEY, insert=statement, **names)
    if changed:
        raise not_as_they_were(table, changed, [table])
    return int(number)


CHANGED_BY_TRIGGERS = """
SELECT {changed} FROM {deleted} AS d JOIN {table} AS t ON {is_record} WHERE d."_why" IS NULL AND d."_inserts"
"""
WRITE_AGAIN = """
UPDATE {table} AS t SET {assignments} FROM {deleted} AS d
WHERE d."_why" IS NULL AND d."_inserts" AND {is_record} AND ({differs})
"""


def write_again(table: UndoneTable) -> int:
    """Give inserted records back the values that a BEFORE INSERT trigger replaced, such as the time of their creation.

    A BEFORE UPDATE trigger may then replace them once more, as it does in records that were moved back.
    """
    if not (table.deletions and table.keys and table.table.has_insert_triggers):
        return 0
    columns = [name for name in table.restorable if name not in table.table.numbered.union(table.keys)]
    differing = {
        name: sql.SQL("t.{0}::text IS DISTINCT FROM d.{0}::text").format(sql.Identifier(name))
        for name in columns
    }
    names = {
        "table": table.table.identifier,
        "deleted": table.name("deleted"),
        "is_record": table.is_deleted("t", "d"),
    }
    any_of = comma(sql.SQL("bool_or({})").format(differs) for differs in differing.values())
    [changed] = rows(CHANGED_BY_TRIGGERS, changed=any_of, **names)
    table.written_again = [name for name, differs in zip(columns, changed, strict=True) if differs]
    if not table.written_again:
        return 0
    assignments = (sql.SQL("{0} = d.{0}").format(sql.Identifier(name)) for name in table.written_again)
    differs = sql.SQL(" OR ").join(differing[name] for name in table.written_again)
    return count_of(WRITE_AGAIN, assignments=comma(assignments), differs=differs, **names)


def not_as_they_were(table: UndoneTable, number: int, tables: Iterable[UndoneTable]) -> TotalsMismatch:
    """Return the error, which names triggers of any kind: those that fire later may update or delete the rows.

    tables: those into which rows were inserted; a child's trigger may update its parent.
    """
    message = f"{number:,} deleted records of {table.regclass} did not return as they were."
    return mismatch("", message, INSERT | UPDATE | DELETE, *(one.regclass for one in tables))


def count_of(statement: str, **names: sql.Composable) -> int:
    return execute_counting(sql.SQL(statement).format(**names))


def execute_counting(statement: sql.Composed) -> int:
    with connection.cursor() as cursor:
        cursor.execute(as_text(statement))
        return int(cursor.rowcount)
