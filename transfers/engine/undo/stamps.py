"""Times that a trigger replaces in each row that is updated, such as the time of the last change.

An undo writes a deleted row again if the trigger of an insertion changed it. What another trigger then stamps stays, as
in rows that are moved back. A trigger that keeps a value, as is often done for the time of creation, leaves the same in
the row, the time of the undo. An update of another row, which is taken back, shows which of the two it does.
"""

import re
from collections.abc import Sequence

from django.db import DatabaseError, OperationalError, transaction
from psycopg import sql

from transfers.engine.undo.tables import UndoneTable, rows

TIME = re.compile(r"date|time(stamp)?(\(\d\))? with(out)? time zone")
# An hour before is another value of each of these types.
TRY = """
UPDATE {table} AS t SET {column} = one.new
FROM (
    SELECT r.tableoid AS relation, r.ctid AS place, r.{column} AS old, (r.{column} - interval '1 hour')::{type} AS new
    FROM {table} AS r WHERE r.{column} IS NOT NULL LIMIT 1 FOR UPDATE SKIP LOCKED
) AS one
WHERE t.tableoid = one.relation AND t.ctid = one.place
RETURNING t.{column} IS DISTINCT FROM one.old AND t.{column} IS DISTINCT FROM one.new
"""


def stamped_columns(table: UndoneTable) -> tuple[list[str], int]:
    """Return these columns of a table in which rows are written again, and how many updates were tried.

    PostgreSQL counts the rows of an update that is taken back. No row is there before to be tried in an empty table.
    """
    if not (table.table.before_insert and table.table.before_update):
        return [], 0
    found = {name: is_stamped(table, name) for name in times(table)}
    return [name for name, result in found.items() if result], sum(
        result is not None for result in found.values()
    )


def times(table: UndoneTable) -> Sequence[str]:
    """Return the columns with times by which no record is known."""
    types = table.table.base_types
    return [name for name in table.table.columns if TIME.fullmatch(types[name]) and name not in table.known]


def is_stamped(table: UndoneTable, column: str) -> bool | None:
    """Return whether an update writes something else than the value that it sets, or None if no row was updated."""
    names = {"table": table.table.identifier, "column": sql.Identifier(column)}
    try:
        with transaction.atomic():
            found = rows(TRY, type=sql.SQL(table.table.base_types[column]), **names)
            transaction.set_rollback(True)
    except OperationalError:
        raise
    except (
        DatabaseError
    ):  # a constraint or a trigger that refuses the value of this row says nothing of others
        return None
    return bool(found[0][0]) if found else None
