"""Changed records by whose primary key another record may be found by now.

The journal names a record by its key. A key with a user, or of a child with its parent, is not that of one record for
ever: if the record is deleted, or moves on, another batch, transfer or undo may give the key to another. And if the
record gets its former key back, entries of other pairs that came later do not find it any more.

So a record is only found if no later entry gave its key to a record or took it from one, unless an undo took that back
and did not leave the other record, and if no later undo of an earlier entry did either.
"""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from transfers.engine.compiler.steps import comma
from transfers.engine.undo.tables import DELETED, UndoneTable, filled, rows, run

# `stands`: the entry was not taken back, or not for this record. `name` is the key by which the entry names the record.
ENTRIES = """
SELECT j.id, j.pair_id AS pair, j.what = ANY ({deleted}) AS is_deleted, r.partners, r.key, {is_of_keys} AS is_of_keys,
    undo.id IS NOT NULL AS is_undone, undo.id IS NULL OR EXISTS (
        SELECT FROM transfers_undoconflict AS x
        WHERE x.pair_id = undo.id AND x."table" = j."table" AND x.key IN (r.name, '')
    ) AS stands
{entries} AND {which}
"""
FROM_JOURNAL = """
FROM transfers_journalentry AS j
JOIN transfers_transferpair AS p ON p.id = j.pair_id
LEFT JOIN transfers_transferpair AS undo ON undo.id = p.undone_by_id
{rows}
WHERE j."table" = {regclass}
"""
# Those that may have given or taken keys after one that is taken back now, or of which a later undo did. Both are found
# by an index.
SINCE = (
    "(SELECT min(own.finished_at) FROM transfers_transferpair AS own JOIN transfer_undone ON undone = own.id)"
)
OF_KEYS = f"""
j.columns && {{keys}} AND (j.key_columns = {{keys}} OR j.what = ANY ({{deleted}}) AND j.columns @> {{keys}})
AND (j.id > (SELECT min(entry) FROM {{changes}}) OR undo.finished_at > {SINCE} AND j.transfer_id = ANY (ARRAY(
    SELECT of_p.transfer_id FROM transfers_transferpair AS of_p
    JOIN transfers_transferpair AS later ON later.id = of_p.undone_by_id
    WHERE later.finished_at > {SINCE}
)))
"""  # noqa: S608  # nosec B608  (a constant is inserted)
GROUPS = "SELECT DISTINCT j.columns, j.what = ANY ({deleted}) {entries} AND {of_keys}"
# The key that a record had, and the one that it got, if it was not deleted. Whatever types the columns have today, the
# texts of their values are compared.
GIVEN_AND_TAKEN = """
CROSS JOIN LATERAL (
    SELECT both_keys.key, coalesce(k.given, k.taken) AS name, parsed.partners
    FROM (
        SELECT u.key, u.key::{key_type} AS key_columns, coalesce(u.before, j.before[1])::{row_type} AS before,
            u.partners::bigint[] AS partners
        FROM unnest(j.keys, j.before, j.partners) AS u (key, before, partners)
        OFFSET 0
    ) AS parsed
    CROSS JOIN LATERAL (SELECT {given} AS given, ROW({taken})::text AS taken OFFSET 0) AS k
    CROSS JOIN LATERAL (VALUES (k.given), (k.taken)) AS both_keys (key)
    WHERE k.given IS DISTINCT FROM k.taken
) AS r
"""
# Those that know a record by its key, also merged rows, which have the key of that into which they were folded.
KNOWING = """
CROSS JOIN LATERAL (SELECT u.key, u.key AS name, NULL::bigint[] AS partners FROM unnest(j.keys) AS u (key)) AS r
"""
OF_OTHERS = "j.id > (SELECT min(entry) FROM {changes})"
# A record of several pairs has an entry for each, which name each other. A record that is deleted by an entry that is
# taken back now returns (`returning`), unless the key is that of another one. If a record loses its key, the pairs that
# know it by that are undone with it. So are those whose rows were folded into it later, because only of a sum can a
# part be taken back alone; if their undo left the record, it keeps what they brought.
NOTE_LOST_KEYS = """
WITH later AS ({later}),
found AS (
    SELECT c.ctid AS place,
        array_agg(DISTINCT later.pair) FILTER (WHERE NOT later.is_undone) AS others,
        bool_or(later.is_of_keys AND (later.is_undone OR now.undone IS NOT NULL AND (
            NOT later.is_deleted OR EXISTS (SELECT FROM {table} AS t WHERE {is_record})
        ))) AS is_lost,
        bool_or(NOT later.is_of_keys AND later.is_undone AND c.what = 'folded') AS keeps_folded
    FROM {changes} AS c
    JOIN later ON later.key = {key} AND CASE WHEN later.id > c.entry THEN later.stands ELSE later.is_undone END
    LEFT JOIN transfer_undone AS now ON now.undone = later.pair
    WHERE CASE
        WHEN later.is_of_keys THEN later.partners IS NULL OR c.undone <> ALL (later.partners)
        WHEN later.pair = c.undone THEN false
        WHEN c.what = 'folded' THEN NOT c.watched <@ {summed}::integer[]
        ELSE {changes_key}
    END
    GROUP BY 1
)
UPDATE {changes} AS c SET
    why = CASE
        WHEN found.is_lost AND c.what <> 'folded' THEN 'deleted'
        WHEN found.is_lost THEN 'changed'  -- the record has what was folded into it, under another key
        WHEN found.keeps_folded THEN 'folded'
    END,
    joint = ARRAY(SELECT DISTINCT unnest(c.joint || c.undone || found.others) ORDER BY 1)
FROM found
WHERE found.place = c.ctid
"""


DERIVED = "SELECT EXISTS (SELECT FROM {changes} WHERE {numbers}::integer[] && differs)"


def changes_keys(entry: UndoneTable) -> bool:
    """Return whether transfers give records other primary keys, also by what a trigger derives from the user."""
    if not entry.moving.union(entry.assigned).isdisjoint(entry.keys):
        return True
    numbers = [n for n, name in enumerate(entry.columns) if name in entry.keys]
    return bool(numbers) and rows(DERIVED, changes=entry.name("changes"), numbers=sql.Literal(numbers))[0][0]


def note_lost_keys(entry: UndoneTable) -> None:
    """Note as deleted the records whose key is that of another one by now, as if none had it.

    If a pair that is not undone gave the key to another one, or if other pairs know the record by a key that it would
    lose, it can be given back only with these pairs.
    """
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "keys": texts(entry.keys),
        "deleted": texts(DELETED),
    }
    of_keys = changes_keys(entry)
    folds = any(group.what == "folded" for group in entry.changes)
    later = list(given_and_taken(entry, names)) if of_keys else []
    if entry.may_return and (of_keys or folds):  # otherwise a record is that of one pair
        which = filled(OF_OTHERS if of_keys else f"{OF_OTHERS} AND j.what = 'merged'", **names)
        later.append(entries(names, KNOWING, which=which, is_of_keys=sql.SQL("false")))
    if later:
        entry.is_shared = True
        run(
            NOTE_LOST_KEYS,
            later=sql.SQL(" UNION ALL ").join(later),
            table=entry.table.identifier,
            is_record=entry.is_record("t", "c"),
            key=entry.key_text("c"),
            summed=sql.Literal(sorted(entry.summed)),
            changes_key=sql.SQL(" OR ").join([*changed_keys(entry), sql.SQL("false")]),
            **names,
        )


def given_and_taken(entry: UndoneTable, names: Mapping[str, sql.Composable]) -> Iterator[sql.Composed]:
    """Yield the queries of the entries that may have given a key to a record or taken it from one."""
    of_keys = filled(OF_KEYS, **names)
    journal = filled(FROM_JOURNAL, rows=sql.SQL(""), **names)
    for columns, is_deleted in rows(GROUPS, entries=journal, of_keys=of_keys, **names):
        taken = (
            sql.SQL("(parsed.{}).{}").format(
                sql.SQL("before" if name in columns else "key_columns"), sql.Identifier(name)
            )
            for name in entry.keys
        )
        yield entries(
            names,
            GIVEN_AND_TAKEN,
            which=filled(
                "{of_keys} AND j.columns = {columns} AND (j.what = ANY ({deleted})) = {is_deleted}",
                of_keys=of_keys,
                columns=texts(columns),
                is_deleted=sql.Literal(is_deleted),
                deleted=names["deleted"],
            ),
            is_of_keys=sql.SQL("true"),
            key_type=text_type(entry, entry.keys),
            row_type=text_type(entry, columns),
            given=sql.SQL("NULL::text" if is_deleted else "parsed.key"),
            taken=comma(taken),
        )


def entries(
    names: Mapping[str, sql.Composable], of_rows: str, *, which: sql.Composed, **more: sql.Composable
) -> sql.Composed:
    journal = filled(FROM_JOURNAL, rows=filled(of_rows, **more), **names)
    return filled(ENTRIES, entries=journal, which=which, **names, **more)


def changed_keys(entry: UndoneTable) -> Iterator[sql.Composed]:
    for n, name in enumerate(entry.columns):
        if name in entry.keys:
            both = sql.Identifier(f"b{n}"), sql.Identifier(f"a{n}")
            yield sql.SQL("c.{}::text IS DISTINCT FROM c.{}::text").format(*both)


def text_type(entry: UndoneTable, columns: Iterable[str]) -> sql.Identifier:
    """Create a table with these columns as text, by whose row type records of the journal are read, and return it."""
    kind = ("", *columns)
    if kind not in entry.row_types:
        name = entry.row_types[kind] = entry.name(f"row_{len(entry.row_types)}")
        columns_as_text = comma(sql.SQL("{} text").format(sql.Identifier(column)) for column in columns)
        run("CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP", name=name, columns=columns_as_text)
    return entry.row_types[kind]


def texts(names: Iterable[str]) -> sql.Composed:
    return sql.SQL("{}::text[]").format(sql.Literal(list(names)))
