"""Write the rows as they were: moved, changed and folded rows first, which frees the unique keys of deleted ones; then
deleted rows, parents before their children; then the rows that refer to them; and what triggers changed in either.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from django.db import connection
from psycopg import sql

from transfers.engine.compiler.steps import as_text, comma
from transfers.engine.undo.belonging import given_by_triggers
from transfers.engine.undo.tables import UndoneTable, filled, rows, run, send
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
        note(table)
        written[table.regclass, "updated"] += update(table, late=False)
    for table in parents_first(sorted(tables, key=lambda found: -found.last_entry)):
        written[table.regclass, "inserted"] += insert(table)
    for table in tables:
        written[table.regclass, "updated"] += write_deleted_again(table)
        written[table.regclass, "updated"] += update(table, late=True)
        written[table.regclass, "updated"] += write_moved_again(table)
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
    early = sql.SQL("ARRAY(SELECT unnest(f.differs) EXCEPT SELECT unnest(f.late))")
    restored = sql.SQL("f.late") if late else early if has_late else sql.SQL("f.differs")
    if not table.table.of_columns:
        return update_columns(table, columns, filled("{restored} <> '{{}}'", restored=restored), late=late)
    sets = [found for (found,) in rows(SETS, restored=restored, final=table.final) if found]
    return sum(
        update_columns(table, [n for n in found if n in columns], is_set(restored, found), late=late)
        for found in sets
    )


# A trigger may fire for an update of certain columns, so only those are named that are restored.
SETS = "SELECT DISTINCT ARRAY(SELECT unnest({restored}) ORDER BY 1) FROM {final} AS f"


def is_set(restored: sql.Composable, numbers: Sequence[int]) -> sql.Composed:
    statement = "ARRAY(SELECT unnest({restored}) ORDER BY 1) = {numbers}::integer[]"
    return filled(statement, restored=restored, numbers=sql.Literal(list(numbers)))


def update_columns(table: UndoneTable, columns: Sequence[int], condition: sql.Composed, *, late: bool) -> int:
    early = sql.SQL("" if late else " AND {} <> ALL (f.late)")
    assignments = (
        sql.SQL("{0} = CASE WHEN {1} = ANY (f.differs){3} THEN f.{2} ELSE t.{0} END").format(
            sql.Identifier(table.columns[n]),
            sql.Literal(n),
            sql.Identifier(f"f{n}"),
            early.format(sql.Literal(n)),
        )
        for n in columns
    )
    return count_of(
        "UPDATE {table} AS t SET {assignments} FROM {final} AS f WHERE {is_record} AND {condition}",
        table=table.table.identifier,
        assignments=comma(assignments),
        final=table.final,
        is_record=table.is_record("t", "f"),
        condition=condition,
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


CHANGED_BY_TRIGGERS = "SELECT {changed} FROM {source} AS s JOIN {table} AS t ON {is_record}"
WRITE_AGAIN = "UPDATE {table} AS t SET {assignments} FROM {source} AS s WHERE {is_record} AND ({differs})"


def write_deleted_again(table: UndoneTable) -> int:
    """Give inserted records back the values that a BEFORE INSERT trigger replaced, such as the time of their creation.

    A BEFORE UPDATE trigger may then replace them once more, as it does in records that were moved back.
    """
    if not (table.deletions and table.keys and table.table.before_insert):
        return 0
    source = sql.SQL('(SELECT * FROM {} WHERE "_why" IS NULL AND "_inserts")').format(table.name("deleted"))
    return write_again(table, source, table.is_deleted("t", "s"), table.restorable)


# The records as they should be: what people changed since stays, but a trigger may change it with the rest.
NOTE = """
CREATE TEMP TABLE {noted} ON COMMIT DROP AS
SELECT t.tableoid AS "_relation", {columns} FROM {table} AS t JOIN {final} AS f ON {is_record}
"""


def note(table: UndoneTable) -> None:
    """Note what records should have that a trigger may change: the whole record if it may come to another partition,
    with its partition, otherwise whose it is.
    """
    given = given_by_triggers(table)
    names = table.table.columns if table.may_move else dict.fromkeys([*table.keys, *given]) if given else ()
    if names:
        types = table.table.base_types
        values = {name: sql.SQL("t.{}").format(sql.Identifier(name)) for name in names}
        for number, name in enumerate(table.columns):
            if name in values:
                values[name] = table.restored(number, "f", values[name])
        columns = (
            sql.SQL("({})::{} AS {}").format(value, sql.SQL(types[name]), sql.Identifier(name))
            for name, value in values.items()
        )
        run(
            NOTE,
            noted=table.name("noted"),
            columns=comma(columns),
            table=table.table.identifier,
            final=table.final,
            is_record=table.is_record("t", "f"),
        )


def write_moved_again(table: UndoneTable) -> int:
    """Give records that came to another partition back what the trigger of the insertion replaced."""
    if not table.may_move:
        return 0
    has_moved = sql.SQL('{} AND t.tableoid <> s."_relation"').format(table.is_deleted("t", "s"))
    return write_again(table, table.name("noted"), has_moved, table.table.columns)


def write_again(
    table: UndoneTable, source: sql.Composable, is_record: sql.Composed, columns: Iterable[str]
) -> int:
    """Write those columns again that differ in any record from what they should be. Most triggers change none or one.

    A trigger may change one because another is written, such as the time since when a state is so: hence twice.
    source: the work table `s` with the values of record `t`.
    """
    unwritten = table.table.numbered.union(table.keys)
    differing = {
        name: sql.SQL("t.{0}::text IS DISTINCT FROM s.{0}::text").format(sql.Identifier(name))
        for name in columns
        if name not in unwritten
    }
    if not differing:
        return 0
    names = {"table": table.table.identifier, "source": source, "is_record": is_record}
    any_of = comma(sql.SQL("bool_or({})").format(differs) for differs in differing.values())
    number = 0
    for stays in ((), table.stamped):
        [changed] = rows(CHANGED_BY_TRIGGERS, changed=any_of, **names)
        found = zip(differing, changed, strict=True)
        again = [name for name, differs in found if differs and name not in stays]
        if again:
            assignments = (sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in again)
            differs = sql.SQL(" OR ").join(differing[name] for name in again)
            number += count_of(WRITE_AGAIN, assignments=comma(assignments), differs=differs, **names)
    return number


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
