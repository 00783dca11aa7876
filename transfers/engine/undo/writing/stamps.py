"""Times that a trigger replaces in each row that is updated, such as the time of the last change.

An undo writes a row again if the trigger of an insertion changed it. What another trigger then stamps stays, as in rows
that are moved back. A trigger that keeps a value, as is often done for the time of creation, leaves the same in the
row: the time of the undo. Updates of other rows, which are taken back, show which of the two it does: they write the
same stamp as into the row, whatever there was and whatever is written, or the time at which they write.
"""

import re
from collections.abc import Mapping, Sequence

from django.db import DatabaseError, OperationalError, transaction
from psycopg import sql

from transfers.engine.undo.tables import UndoneTable, filled, rows

TIME = re.compile(r"date|time(stamp)?(\(\d\))? with(out)? time zone")
# No rounding makes the last two equal, and no limit all three. Those of a time of day differ by the hours.
SHIFTS = ("-1 second", "-100000 days -5 hours", "100000 days 7 hours")
MOST_ROWS = 20  # a trigger may keep the time in some rows, such as those of closed cases
# A row that has the stamp already, or a time of now, would not show whether it is kept; infinity cannot be shifted.
TRY = """
WITH tried AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS place, (r.{column} + {shift}::interval)::{type} AS new
    FROM {table} AS r
    WHERE r.{column}::text NOT IN ('infinity', '-infinity', {stamp}) AND NOT {is_now} LIMIT {most}
    FOR UPDATE SKIP LOCKED
),
written AS (
    UPDATE {table} AS r SET {column} = tried.new FROM tried
    WHERE r.tableoid = tried.relation AND r.ctid = tried.place
    RETURNING tried.relation, tried.place, r.{column}::text AS new, {is_now} AS is_now
)
SELECT written.new, written.is_now FROM tried LEFT JOIN written USING (relation, place)
"""
IS_NOW = "({row}.{column} BETWEEN now()::{type} AND clock_timestamp()::{type})"
UNKNOWN = (None, None)


def find_stamps(tables: Sequence[UndoneTable]) -> bool:
    """Note what triggers stamp in tables in which rows may be written again, and return whether an update was tried.

    PostgreSQL counts the rows of an update that is taken back, too. In an empty table, there is no row to try it.
    """
    tried = [table for table in tables if table.is_written_again and table.table.before_update]
    for table in tried:
        table.stamped = stamps_of(table)
    return bool(tried)


def stamps_of(table: UndoneTable) -> Mapping[str, sql.Composed]:
    """Return the columns that are stamped, see `UndoneTable.stamped`. Records must not be known by them."""
    types = table.table.base_types
    names = [name for name in table.table.columns if TIME.fullmatch(types[name]) and name not in table.known]
    found = {name: stamp_of(table, name) for name in names}
    return {name: condition for name, condition in found.items() if condition}


def stamp_of(table: UndoneTable, column: str) -> sql.Composed | None:
    """Return the condition that a record `t` has the stamp, or None if the column is not stamped.

    The same rounded time may have been written to all rows that were tried, and the next one to the record.
    """
    [(stamp, _)] = written(table, column, SHIFTS[0], most=1)
    is_same = are_now = stamp is not None
    for shift in SHIFTS:
        if is_same or are_now:
            found = written(table, column, shift, stamp)
            is_same &= all(text == stamp for text, _ in found)
            are_now &= all(was_now for _, was_now in found)
    same = filled("t.{column}::text = {stamp}", column=sql.Identifier(column), stamp=sql.Literal(stamp))
    shown = ((is_same, same), (are_now, is_now(table, column, "t")))
    conditions = [condition for is_shown, condition in shown if is_shown]
    return filled("({any})", any=sql.SQL(" OR ").join(conditions)) if conditions else None


def written(
    table: UndoneTable, column: str, shift: str, stamp: str | None = "", most: int = MOST_ROWS
) -> list[tuple[str | None, bool | None]]:
    """Return what some rows with another time than the stamp have after it was updated to a time that differs by this.

    For each row the text, and whether it is a time since the transaction began: `UNKNOWN` if that is refused.
    """
    names = {
        "table": table.table.identifier,
        "column": sql.Identifier(column),
        "type": sql.SQL(table.table.base_types[column]),
        "is_now": is_now(table, column, "r"),
        "shift": sql.Literal(shift),
        "stamp": sql.Literal(stamp or ""),
        "most": sql.Literal(most),
    }
    try:
        with transaction.atomic():
            found = rows(TRY, **names)
            transaction.set_rollback(True)
    except OperationalError:
        raise
    except DatabaseError:
        found = []
    return found or [UNKNOWN]


def is_now(table: UndoneTable, column: str, row: str) -> sql.Composed:
    """Return the condition that the time of a row is one since this transaction began."""
    sql_type = sql.SQL(table.table.base_types[column])
    return filled(IS_NOW, row=sql.SQL(row), column=sql.Identifier(column), type=sql_type)
