"""Changed records whose primary key changed with them.

The journal names a record by its key. A key with a user, or of a child with its parent, is not that of one record for
ever: if the record is deleted, or moves on, another batch or a transfer of late arrivals may give the key to another.
And if the record gets its former key back, entries of other pairs that came later do not find it any more.
"""

from collections.abc import Iterator
from contextlib import suppress

from django.db import transaction
from psycopg import sql

from transfers.engine.undo.tables import UNREADABLE, UndoneTable, create_row_types, rows, run, send

# Later transfers of one of the users are undone before, and no other one gives a record a key with that user.
TRANSFERS = """
ARRAY(SELECT DISTINCT of_c.transfer_id FROM transfer_undone JOIN transfers_transferpair AS of_c ON of_c.id = undone)
"""
# Entries by which records of the table may have got other keys.
LATER = """
FROM transfers_journalentry AS j
JOIN transfers_transferpair AS p ON p.id = j.pair_id
{rows}
WHERE j.transfer_id = ANY ({transfers}) AND j."table" = {regclass}
    AND j.columns[1:j.assigned] && {keys} AND cardinality(j.keys) > 0 AND p.undone_by_id IS NULL
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
# Later entries of the record, also of other transfers, know it by the key that it loses if they are not undone with it.
KNOWN_BY_OTHERS = """
UPDATE {changes} AS c SET joint = c.undone || others.pairs
FROM (
    SELECT c.ctid AS place, array_agg(DISTINCT p.id) AS pairs
    FROM {changes} AS c
    JOIN (
        SELECT j.id, j.pair_id, u.key
        FROM transfers_journalentry AS j CROSS JOIN LATERAL unnest(j.keys) AS u (key)
        WHERE j."table" = {regclass} AND j.id > (SELECT min(entry) FROM {changes})
    ) AS later ON later.key = {key} AND later.id > c.entry
    JOIN transfers_transferpair AS p ON p.id = later.pair_id AND p.undone_by_id IS NULL
    WHERE {numbers}::integer[] && c.differs AND p.id <> c.undone
    GROUP BY 1
) AS others
WHERE others.place = c.ctid AND c.joint IS NULL
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
    """Note as deleted the records whose key is that of another one by now, as if none had it.

    Those that would lose the key by which other pairs know them can be given back only with these pairs.
    """
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "keys": sql.SQL("{}::text[]").format(sql.Literal(list(entry.keys))),
        "numbers": sql.Literal([n for n, name in enumerate(entry.columns) if name in entry.keys]),
        "transfers": sql.SQL(TRANSFERS),
        "key": entry.key_text("c"),
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
                    **names,
                )
    if entry.may_return:  # otherwise a record is that of one pair
        run(KNOWN_BY_OTHERS, **names)
        entry.is_shared = True


def differing(entry: UndoneTable, columns: list[str]) -> Iterator[sql.Composed]:
    for name in entry.keys:
        if name in columns:
            both = (
                sql.SQL("(r.{}).{}").format(sql.SQL(side), sql.Identifier(name))
                for side in ("before", "after")
            )
            yield sql.SQL("{}::text IS DISTINCT FROM {}::text").format(*both)
