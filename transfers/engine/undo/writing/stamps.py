"""Times that a trigger replaces in each row that is updated, such as the time of the last change.

An undo writes a row again if the trigger of an insertion changed it. What another trigger then stamps stays, as in rows
that are moved back. A trigger that keeps a value, as is often done for the time of creation, leaves the same in the
row: the time of the undo. Updates of another row, which are taken back, show which of the two it does: they write the
same stamp as into the row, whatever there was and whatever is written.
"""

import re
from collections.abc import Mapping, Sequence

from django.db import DatabaseError, OperationalError, transaction
from psycopg import sql

from transfers.engine.undo.tables import UndoneTable, rows

TIME = re.compile(r"date|time(stamp)?(\(\d\))? with(out)? time zone")
# Two values that no rounding makes equal. Those of a time of day differ by the hours.
EARLIER = ("1 hour", "100000 days 5 hours")
TRY = """
UPDATE {table} AS t SET {column} = one.new
FROM (
    SELECT r.tableoid AS relation, r.ctid AS place, (r.{column} - {earlier}::interval)::{type} AS new
    FROM {table} AS r WHERE r.{column} IS NOT NULL LIMIT 1 FOR UPDATE SKIP LOCKED
) AS one
WHERE t.tableoid = one.relation AND t.ctid = one.place
RETURNING t.{column}::text
"""


def find_stamps(tables: Sequence[UndoneTable]) -> bool:
    """Note what triggers stamp in tables in which rows may be written again, and return whether an update was tried.

    PostgreSQL counts the rows of an update that is taken back, too. In an empty table, there is no row to try it.
    """
    tried = [table for table in tables if table.is_written_again and table.table.before_update]
    for table in tried:
        table.stamped = stamps_of(table)
    return bool(tried)


def stamps_of(table: UndoneTable) -> Mapping[str, str]:
    """Return the columns that are stamped, with the stamp as text. Records must not be known by them."""
    types = table.table.base_types
    names = [name for name in table.table.columns if TIME.fullmatch(types[name]) and name not in table.known]
    found = {name: {written(table, name, earlier) for earlier in EARLIER} for name in names}
    return {name: stamps.pop() for name, stamps in found.items() if len(stamps) == 1}


def written(table: UndoneTable, column: str, earlier: str) -> str:
    """Return as text what is there after a row was updated to an earlier time, or "" if that is refused."""
    names = {
        "table": table.table.identifier,
        "column": sql.Identifier(column),
        "earlier": sql.Literal(earlier),
    }
    try:
        with transaction.atomic():
            found = rows(TRY, type=sql.SQL(table.table.base_types[column]), **names)
            transaction.set_rollback(True)
    except OperationalError:
        raise
    except DatabaseError:
        return ""
    return next((str(value) for (value,) in found), "")
