"""Changed records whose primary key another record has got since.

The journal names a record by its key. A key with a user, or of a child with its parent, is not that of one record for
ever: if the record is deleted, or moves on, another batch or a transfer of late arrivals may give the key to another.
"""

from collections.abc import Iterator
from contextlib import suppress

from django.db import transaction
from psycopg import sql

from transfers.engine.undo.tables import UNREADABLE, UndoneTable, create_row_types, rows, run, send

# Entries of these transfers by which records of the table may have got other keys. A later transfer of one of the users
# must be undone first.
LATER = """
FROM transfers_journalentry AS j
JOIN transfers_transferpair AS p ON p.id = j.pair_id
{rows}
WHERE j.transfer_id = ANY (ARRAY(
    SELECT DISTINCT of_c.transfer_id FROM transfer_undone JOIN transfers_transferpair AS of_c ON of_c.id = undone
)) AND j."table" = {regclass} AND j.columns[1:j.assigned] && {keys} AND cardinality(j.keys) > 0
    AND p.undone_by_id IS NULL
"""
# A record of several pairs has an entry for each, which name each other.
LOST = """
UPDATE {changes} AS c SET why = 'deleted'
FROM (
    SELECT j.id, r.key, r.partners {later} AND j.columns = {columns} AND (j.what = 'moved' OR {is_new})
) AS gained
WHERE c.why IS NULL AND gained.id > c.entry AND gained.key = {key}
    AND (gained.partners IS NULL OR c.undone <> ALL (gained.partners))
"""
ROWS = """
CROSS JOIN LATERAL (
    SELECT u.key, u.before::{row_type} AS before, u.after::{row_type} AS after, u.partners::bigint[] AS partners
    FROM unnest(j.keys, j.before, j.after, j.partners) AS u (key, before, after, partners)
    OFFSET 0
) AS r
"""


def changes_keys(entry: UndoneTable) -> bool:
    """Return whether entries gave records other primary keys."""
    return not entry.assigned.isdisjoint(entry.keys)


def note_lost_keys(entry: UndoneTable) -> None:
    """Note as deleted the records whose key is that of another one by now, as if none had it."""
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "keys": sql.SQL("{}::text[]").format(sql.Literal(list(entry.keys))),
    }
    for (columns,) in rows(f"SELECT DISTINCT j.columns {LATER}", rows=sql.SQL(""), **names):
        if set(columns) <= set(entry.table.all_columns):
            send(create_row_types(entry, tuple(columns)))
            given = sql.SQL(ROWS).format(row_type=entry.row_types[tuple(columns)])
            with suppress(*UNREADABLE), transaction.atomic():  # then nothing is known of these
                run(
                    LOST,
                    later=sql.SQL(LATER).format(rows=given, **names),
                    columns=sql.SQL("{}::text[]").format(sql.Literal(columns)),
                    is_new=sql.SQL(" OR ").join(differing(entry, columns)),
                    key=entry.key_text("c"),
                    **names,
                )


def differing(entry: UndoneTable, columns: list[str]) -> Iterator[sql.Composed]:
    for name in entry.keys:
        if name in columns:
            both = (
                sql.SQL("(r.{}).{}").format(sql.SQL(side), sql.Identifier(name))
                for side in ("before", "after")
            )
            yield sql.SQL("{}::text IS DISTINCT FROM {}::text").format(*both)
