"""Changed records of which later entries know more: another record may have the key, or rows may have lost to it.

The journal names a record by its key. A key with a user, or of a child with its parent, is not that of one record for
ever: if the record is deleted, or moves on, another batch, transfer or undo may give the key to another. And if the
record gets its former key back, entries of other pairs that came later do not find it any more.

So a record is only found if no later entry gave its key to a record or took it from one, unless an undo took that back
and did not leave the other record, and if no later undo of an earlier entry did either.

A row of other users may have been merged into the record, or deleted for it, because the transfer had brought the two
together. If the record went back alone, it would take along what these users had.
"""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from transfers.engine.compiler.steps import comma
from transfers.engine.undo.tables import DELETED, UndoneTable, filled, rows, run

# `stands`: the entry was not taken back, or not for this record. `names` are the keys by which the entry, or a conflict
# of its undo, names the record. What was changed or deleted since is another record than one that the entry deleted.
ENTRIES = """
SELECT j.id, j.pair_id AS pair, p.finished_at, undo.finished_at AS undone_at, j.what, r.partners, r.key,
    {is_of_keys} AS is_of_keys, NOT {is_of_keys} AND j.what = ANY ({deleted}) AS is_lost,
    undo.id IS NOT NULL AS is_undone, undo.id IS NULL OR EXISTS (
        SELECT FROM transfers_undoconflict AS x
        WHERE x.pair_id = undo.id AND x."table" = j."table" AND (x.key = '' OR x.key = ANY (r.names))
            AND (j.what <> ALL ({deleted}) OR x.why NOT IN ('changed', 'deleted'))
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
    SELECT both_keys.key, ARRAY[coalesce(k.given, k.taken)] AS names, parsed.partners
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
# Those that know a record by its key.
KNOWING = """
CROSS JOIN LATERAL (SELECT u.key, ARRAY[u.key] AS names, NULL::bigint[] AS partners FROM unnest(j.keys) AS u (key)) AS r
"""
OF_OTHERS = "j.id > (SELECT min(entry) FROM {changes}) AND j.what <> ALL ({deleted})"
# The deleted rows, with the key of the record to which each lost.
LOST = """
CROSS JOIN LATERAL (
    SELECT parsed.key, ARRAY[parsed.key, ROW({taken})::text] AS names, parsed.partners
    FROM (
        SELECT u.key, u.before::{row_type} AS before, u.partners::bigint[] AS partners
        FROM unnest(j.keys, j.before, j.partners) AS u (key, before, partners)
        WHERE u.key IS NOT NULL
        OFFSET 0
    ) AS parsed
) AS r
"""
# Also earlier ones of the same batch, whose pairs have finished at one time: it deletes rows before it moves others.
OF_LOST = """
j.what = ANY ({deleted}) AND cardinality(j.keys) > 0 AND j.columns @> {keys}
AND (j.id > (SELECT min(entry) FROM {changes}) OR j.transfer_id = ANY (ARRAY(
    SELECT own.transfer_id FROM transfers_transferpair AS own JOIN transfer_undone ON undone = own.id
)))
"""
COLUMNS_OF_LOST = "SELECT DISTINCT j.columns {entries} AND {of_lost}"
# A record of several pairs has an entry for each, which name each other. If the next entry (`gone`) deleted the record
# and is taken back now, the record returns, and what came after that was about others. So was what came before an undo
# that has given the record back. If a record loses its key, the pairs that know it by that are undone with it. So are
# those whose rows lost to it: if their undo left one, the record stays, too. Values that were folded into a record
# before such rows can be taken out of a sum alone, and a record that got no column of a unique key from the transfer
# would have had these rows anyway.
NOTE_LOST_KEYS = """
WITH later AS ({later}),
known AS (
    SELECT c.ctid AS place, later.id, later.pair, later.is_of_keys, later.is_lost, later.is_undone,
        now.undone IS NOT NULL AS is_now, {gone} AS gone,
        min(later.id) FILTER (WHERE later.is_of_keys AND later.id > c.entry) OVER (PARTITION BY c.ctid) AS next
    FROM {changes} AS c
    JOIN transfers_transferpair AS own ON own.id = c.undone
    CROSS JOIN LATERAL (VALUES {known_as}) AS known (key, of_lost)
    JOIN later ON later.key = known.key AND (later.is_lost OR NOT known.of_lost) AND CASE
        WHEN later.id > c.entry THEN later.stands
        WHEN later.is_of_keys THEN later.is_undone
        ELSE later.is_lost AND later.stands AND later.finished_at = own.finished_at AND c.what <> 'folded'
    END
    LEFT JOIN transfer_undone AS now ON now.undone = later.pair
    WHERE CASE
        WHEN later.is_of_keys OR later.is_lost AND later.pair <> c.undone
            THEN later.partners IS NULL OR c.undone <> ALL (later.partners)
        ELSE later.pair <> c.undone
    END
    AND CASE
        WHEN later.is_of_keys THEN true
        WHEN NOT later.is_lost THEN {changes_key}
        WHEN c.what = 'folded' THEN later.what = 'merged' AND NOT c.watched <@ {summed}::integer[]
        ELSE c.differs && {in_keys}::integer[]
    END
    AND NOT (later.is_of_keys AND EXISTS (
        SELECT FROM later AS back
        WHERE back.key = known.key AND back.what = ANY ({deleted}) AND back.is_of_keys AND NOT back.stands
            AND back.id > c.entry AND back.id < later.id AND back.undone_at >= later.finished_at
    ))
),
found AS (
    SELECT place, array_agg(DISTINCT pair) FILTER (WHERE NOT is_undone AND id <> gone) AS others,
        bool_or(is_of_keys AND (is_undone OR is_now AND id <> gone)) AS is_lost,
        bool_or(is_lost AND is_undone) AS keeps
    FROM known
    WHERE next IS DISTINCT FROM gone OR id <= gone
    GROUP BY place
)
UPDATE {changes} AS c SET
    why = CASE
        WHEN found.is_lost AND c.what <> 'folded' THEN 'deleted'
        WHEN found.is_lost THEN 'changed'  -- the record has what was folded into it, under another key
        WHEN found.keeps AND c.what = 'folded' THEN 'folded'
        WHEN found.keeps THEN 'shared'
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

    If a pair that is not undone gave the key to another one, if other pairs know the record by a key that it would
    lose, or if their rows lost to it, it can be given back only with these pairs.
    """
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "keys": texts(entry.keys),
        "deleted": texts(DELETED),
    }
    of_keys = changes_keys(entry)
    later = list(given_and_taken(entry, names)) if of_keys else []
    if entry.may_return:  # otherwise a record is that of one pair
        if of_keys:
            which = filled(OF_OTHERS, **names)
            later.append(entries(names, KNOWING, which=which, is_of_keys=sql.SQL("false")))
        later += lost_rows(entry, names)
    if later:
        entry.is_shared = True
        known_as = zip(names_of_winner(entry), ("false", "true"), strict=False)
        run(
            NOTE_LOST_KEYS,
            later=sql.SQL(" UNION ALL ").join(later),
            gone=sql.SQL("c.gone" if entry.returns else "0"),
            known_as=comma(
                filled("({key}, {of_lost})", key=key, of_lost=sql.SQL(yes)) for key, yes in known_as
            ),
            summed=sql.Literal(sorted(entry.summed)),
            in_keys=sql.Literal(numbers_in_keys(entry)),
            changes_key=sql.SQL(" OR ").join([*changed_keys(entry), sql.SQL("false")]),
            **names,
        )


def given_and_taken(entry: UndoneTable, names: Mapping[str, sql.Composable]) -> Iterator[sql.Composed]:
    """Yield the queries of the entries that may have given a key to a record or taken it from one."""
    of_keys = filled(OF_KEYS, **names)
    journal = filled(FROM_JOURNAL, rows=sql.SQL(""), **names)
    for columns, is_deleted in rows(GROUPS, entries=journal, of_keys=of_keys, **names):
        taken = (field_of("before" if name in columns else "key_columns", name) for name in entry.keys)
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


def lost_rows(entry: UndoneTable, names: Mapping[str, sql.Composable]) -> Iterator[sql.Composed]:
    """Yield the queries of the rows that lost to another one, if they may have done so because of a change."""
    if not (numbers_in_keys(entry) or any(group.what == "folded" for group in entry.changes)):
        return
    of_lost = filled(OF_LOST, **names)
    journal = filled(FROM_JOURNAL, rows=sql.SQL(""), **names)
    for (columns,) in rows(COLUMNS_OF_LOST, entries=journal, of_lost=of_lost):
        yield entries(
            names,
            LOST,
            which=filled("{of_lost} AND j.columns = {columns}", of_lost=of_lost, columns=texts(columns)),
            is_of_keys=sql.SQL("false"),
            row_type=text_type(entry, columns),
            taken=comma(field_of("before", name) for name in entry.keys),
        )


def numbers_in_keys(entry: UndoneTable) -> list[int]:
    """Return the numbers of the columns that unique keys depend on."""
    in_keys = frozenset[str]().union(*(key.columns for key in entry.table.keys))
    return [n for n, name in enumerate(entry.columns) if name in in_keys]


def field_of(record: str, name: str) -> sql.Composed:
    return filled("(parsed.{record}).{name}", record=sql.SQL(record), name=sql.Identifier(name))


def names_of_winner(entry: UndoneTable) -> list[sql.Composed]:
    """Return the keys by which deleted rows may name the record `c` to which they lost, as text.

    Where the entry changed the key, rows that the same batch deleted before have the former one.
    """
    parts = [sql.SQL("c.{}").format(sql.Identifier(f"k{n}")) for n in range(len(entry.keys))]
    former = [
        filled("coalesce(c.{before}, {key})", before=sql.Identifier(f"b{entry.columns.index(name)}"), key=key)
        if name in entry.columns
        else key
        for name, key in zip(entry.keys, parts, strict=True)
    ]
    names = [parts, former] if former != parts else [parts]
    return [filled("ROW({parts})::text", parts=comma(name)) for name in names]


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
