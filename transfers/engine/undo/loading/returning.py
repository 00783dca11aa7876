"""Records that a batch of the transfer changed before another batch deleted them.

Such a record returns as it was when it was deleted, and at the same time the changes before that are taken back: each
for its pair, as for a record that is still there. `returning` has these records as they were when they were deleted, so
that `comparing` finds them there instead of in the record table. What is to be restored is then written to `deleted`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from django.db import transaction
from psycopg import sql

from transfers.engine.catalog.names import quoted
from transfers.engine.compiler.plans import tables_of
from transfers.engine.compiler.steps import comma
from transfers.engine.stage import fetch
from transfers.engine.undo.tables import (
    DELETED,
    UNREADABLE,
    UndoneTable,
    create_row_types,
    filled,
    rows,
    run,
    send,
)
from transfers.registry import data_types
from transfers.rules import ArrayColumn, DataType, JsonPath, all_children

# Not one that was changed later: another record then had this key.
RETURNS = (
    'SELECT EXISTS (SELECT FROM {deleted} AS d JOIN {changes} AS c ON {has_key} AND c.entry < d."_entry")'
)
HAS_LATE = "SELECT EXISTS (SELECT FROM transfer_undone GROUP BY pair HAVING count(*) > 1)"
NUMBER = 'ALTER TABLE {deleted} ADD COLUMN "_n" bigint GENERATED ALWAYS AS IDENTITY'
# A key with users may be that of several records, one after the other. The next deletion tells which one was changed.
ADD_GONE = "ALTER TABLE {changes} ADD COLUMN gone bigint NOT NULL DEFAULT 0"
NOTE_GONE = """
UPDATE {changes} AS c SET gone = next.deletion
FROM (
    SELECT c.ctid AS place, min(d."_entry") AS deletion
    FROM {changes} AS c JOIN {deleted} AS d ON {has_key} AND c.entry < d."_entry"
    GROUP BY 1
) AS next
WHERE next.place = c.ctid
"""
# A record that was deleted for several pairs is compared once.
CREATE_RETURNING = """
CREATE TEMP TABLE {returning} ON COMMIT DROP AS
SELECT d.*, last.gone AS "_gone",
    row_number() OVER (PARTITION BY last.gone, {keys} ORDER BY d."_inserts" DESC, d."_entry" DESC) = 1 AS "_compared"
FROM (
    SELECT DISTINCT ON (d."_n") d."_n", c.gone
    FROM {deleted} AS d JOIN {changes} AS c ON {has_key} AND c.entry < d."_entry"
    ORDER BY d."_n", c.entry DESC
) AS last
JOIN {deleted} AS d ON d."_n" = last."_n"
JOIN {deleted} AS first ON first."_entry" = last.gone AND {is_first}
WHERE d."_entry" = last.gone OR d."_joint" = first."_joint"
"""
FORGET_RETURNING = """
DELETE FROM {returning} AS r USING {deleted} AS d WHERE d."_n" = r."_n" AND d."_why" IS NOT NULL
"""
RESTORE_RETURNING = """
UPDATE {deleted} AS d SET {assignments}
FROM {returning} AS r LEFT JOIN {final} AS f ON {is_returning}
WHERE d."_n" = r."_n"
"""
# They are inserted, not updated.
DELETE_FINAL = "DELETE FROM {final} WHERE gone <> 0"


def tables_that_return() -> list[str]:
    """Return the quoted names of the tables of which one batch can delete records that another batch changed.

    These are the tables of several data types, those with rows of several users, and those of which a deleted row
    changes others. Late arrivals can replace what came before them in any table.
    """
    [(has_late,)] = fetch(HAS_LATE)
    names = [(name, entry) for entry in data_types() for name in tables_of(entry)]
    times = Counter(name for name, _ in names)
    return sorted(
        {quoted(name) for name, entry in names if has_late or times[name] > 1 or changes_others(entry)}
    )


def changes_others(entry: DataType) -> bool:
    """Return whether a row may be changed for other users than those for whom it is deleted."""
    has_lists = any(isinstance(owner, ArrayColumn | JsonPath) for owner in entry.owners)
    return has_lists or len(entry.owners) > 1 or any(child.detached for child in all_children(entry.children))


def note_returning(entry: UndoneTable) -> None:
    """Note the deleted records that entries changed before. Most tables have none, for which this is one query."""
    names = {name: entry.name(name) for name in ("deleted", "changes", "returning")}
    has_key = entry.has_key("d", "c")
    [(entry.returns,)] = rows(RETURNS, has_key=has_key, **names)
    if entry.returns:
        run(NUMBER, **names)
        run(ADD_GONE, **names)
        run(NOTE_GONE, has_key=has_key, **names)
        run(
            CREATE_RETURNING,
            keys=comma(sql.SQL("d.{}").format(sql.Identifier(name)) for name in entry.keys),
            has_key=has_key,
            is_first=entry.is_deleted("first", "d"),
            **names,
        )
        run("ANALYZE {returning}", **names)


def forget_returning(entry: UndoneTable) -> sql.Composed:
    """Leave out the records that do not return."""
    return filled(FORGET_RETURNING, returning=entry.name("returning"), deleted=entry.name("deleted"))


def restore_returning(entry: UndoneTable) -> Iterator[sql.Composed]:
    """Write what is to be restored of the returning records, to be inserted with the other deleted ones."""
    names = {name: entry.name(name) for name in ("deleted", "returning", "final")}
    assignments = (
        sql.SQL("{0} = CASE WHEN {1} = ANY (f.differs) THEN f.{2} ELSE r.{0} END").format(
            sql.Identifier(name), sql.Literal(n), sql.Identifier(f"f{n}")
        )
        for n, name in enumerate(entry.columns)
        if name in entry.restorable
    )
    is_returning = entry.is_returning("f")
    yield filled(RESTORE_RETURNING, assignments=comma(assignments), is_returning=is_returning, **names)
    yield filled(DELETE_FINAL, **names)


# --- Records that do not return --------------------------------------------------------------------------------------

OTHERS = """
FROM transfers_journalentry AS j
JOIN transfers_transferpair AS p ON p.id = j.pair_id
{rows}
WHERE j.id > (SELECT min(c.entry) FROM {changes} AS c WHERE c.why = 'deleted')
    AND j."table" = {regclass} AND j.what = ANY ({deleted}) AND p.undone_by_id IS NULL"""
DELETED_BY_OTHERS = """
UPDATE {changes} AS c SET why = 'shared', joint = c.undone || others.pairs
FROM (
    SELECT {keys}, array_agg(DISTINCT p.id) AS pairs
    {others} AND j.columns = {columns}
    GROUP BY {keys}
) AS others, (
    SELECT pair, array_agg(DISTINCT undone) AS pairs FROM transfer_entry GROUP BY pair
) AS own
WHERE c.why = 'deleted' AND {has_key} AND own.pair = c.pair AND NOT own.pairs && others.pairs
"""
ROWS = "CROSS JOIN LATERAL (SELECT u.before::{row_type} AS before FROM unnest(j.before) AS u (before) OFFSET 0) AS r"


def explain_deleted(entry: UndoneTable) -> None:
    """Note as shared those missing records that another pair has deleted since, which is not undone."""
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "deleted": sql.SQL("{}::text[]").format(sql.Literal(list(DELETED))),
    }
    for (columns,) in rows(f"SELECT DISTINCT j.columns {OTHERS}", rows=sql.SQL(""), **names):
        if set(entry.keys) <= set(columns) <= set(entry.table.all_columns):
            send(create_row_types(entry, tuple(columns)))
            given = sql.SQL(ROWS).format(row_type=entry.row_types[tuple(columns)])
            keys = [sql.SQL("(r.before).{}").format(sql.Identifier(name)) for name in entry.keys]
            with suppress(*UNREADABLE), transaction.atomic():  # then the reason stays as it is
                run(
                    DELETED_BY_OTHERS,
                    keys=comma(keys),
                    others=sql.SQL(OTHERS).format(rows=given, **names),
                    columns=sql.SQL("{}::text[]").format(sql.Literal(columns)),
                    has_key=entry.has_key("others", "c"),
                    **names,
                )
