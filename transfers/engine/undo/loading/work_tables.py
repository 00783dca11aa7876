"""The work tables, one or two for each record table, in which the rows of the journal's entries have columns.

`changes` has a row for each record and pair that an entry changed: its key (`k0`, `k1`, …), and the columns before and
after (`b0`, `a0`, …). `differs` are the numbers of the columns to restore, `watched` those of them that must still be
as the transfer left them, `lists` those with a list of users, of which `o0`, … has the original. `joint` are the pairs
for which the entry is taken back at once, `divided` those for which it is one by one. `rank` numbers the
entries of a record, the last one first. `gone` is the entry that deleted the record next, if it is taken back too, or
0. It is there if any record returns. `final` has what is to be restored: a row for each record, with the columns
`f0`, `f1`, …. Where each record has one entry, which is so in most tables, it is a query of `changes`.

`deleted` has a row for each record and pair that was deleted, with the columns of the record. In both, `why` is the
reason why the record stays as it is, or NULL. `returning` has those deleted records that were changed before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from psycopg import sql

from transfers.engine.compiler.steps import as_text, comma, identifiers
from transfers.engine.stage import fetch, fetch_union
from transfers.engine.undo.loading.attribution import attribute_changes
from transfers.engine.undo.loading.lists import list_columns, note_partners, unite_lists
from transfers.engine.undo.loading.lost_keys import note_lost_keys
from transfers.engine.undo.loading.returning import note_returning
from transfers.engine.undo.loading.sums import add_others
from transfers.engine.undo.tables import Group, UndoneTable, create_row_types, filled, run, send

CREATE_CHANGES = """
CREATE TEMP TABLE {changes} ON COMMIT DROP AS
SELECT 0::bigint AS entry, 0::bigint AS pair, 0::bigint AS undone, ''::text AS type, ''::text AS what,
    NULL::bigint[] AS partners, NULL::bigint[] AS joint, NULL::bigint[] AS divided, 1 AS rank,
    '{{}}'::integer[] AS differs, '{{}}'::integer[] AS watched, '{{}}'::integer[] AS lists, false AS added,
    NULL::text AS why, {columns}
FROM {table} AS t WITH NO DATA
"""
CREATE_FINAL = """
CREATE TEMP TABLE {final} ON COMMIT DROP AS
SELECT 0::bigint AS entry, '{{}}'::integer[] AS differs, '{{}}'::integer[] AS watched, '{{}}'::integer[] AS late,
    {columns}
FROM {table} AS t WITH NO DATA
"""
CREATE_DELETED = """
CREATE TEMP TABLE {deleted} ON COMMIT DROP AS
SELECT 0::bigint AS "_entry", 0::bigint AS "_pair", ''::text AS "_type", ''::text AS "_what",
    NULL::bigint[] AS "_joint", true AS "_inserts", NULL::text AS "_why", NULL::text AS "_winner", {columns}
FROM {table} AS t WITH NO DATA
"""


def create_work_tables(entries: Sequence[UndoneTable]) -> None:
    """Create and fill the work tables of these record tables, most of it in one round trip."""
    send(statement for entry in entries for statement in load_table(entry))
    for entry in entries:
        if entry.changes and entry.deletions and entry.may_return:
            note_returning(entry)
    rank_changes([entry for entry in entries if entry.changes])
    for entry in entries:
        if entry.changes:
            note_lost_keys(entry)
            add_others(entry)
    send(statement for entry in entries for statement in create_final(entry))


def load_table(entry: UndoneTable) -> Iterator[sql.Composed]:
    if entry.changes:
        yield from load_all_changes(entry)
    if entry.deletions:
        deleted = entry.name("deleted")
        columns = comma(column_as(entry, name, name) for name in entry.kept)
        yield filled(CREATE_DELETED, deleted=deleted, columns=columns, table=entry.table.identifier)
        yield from set_defaults(entry)
        for group in entry.deletions:
            yield from load_deleted(entry, group)
        if entry.is_shared:
            yield filled(ONCE, deleted=deleted, same_record=same_record(entry))
        yield filled("ANALYZE {deleted}", deleted=deleted)


DEFAULTS = """
SELECT a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = %(table)s::regclass AND a.attname = ANY (%(columns)s)
"""


def set_defaults(entry: UndoneTable) -> Iterator[sql.Composed]:
    """Give columns that were added between two entries their default in the records that were deleted before."""
    late = {name for group in entry.deletions for name in set(entry.restorable) - set(group.columns)}
    if late:
        for name, default in fetch(DEFAULTS, {"table": entry.regclass, "columns": sorted(late)}):
            yield filled(
                "ALTER TABLE {deleted} ALTER {name} SET DEFAULT {default}",
                deleted=entry.name("deleted"),
                name=sql.Identifier(name),
                default=sql.SQL(default),
            )


def load_all_changes(entry: UndoneTable) -> Iterator[sql.Composed]:
    entry.lists = list_columns(entry)
    before_and_after = [*columns_as(entry, "b"), *columns_as(entry, "a"), *columns_as(entry, "o")]
    columns = comma([*keys_as(entry), *before_and_after])
    changes = entry.name("changes")
    yield filled(CREATE_CHANGES, changes=changes, columns=columns, table=entry.table.identifier)
    for group in entry.changes:
        yield from load_changes(entry, group)
    if entry.is_shared or entry.lists:
        yield filled("CREATE INDEX ON {changes} ({keys})", changes=changes, keys=key_names(entry))
    yield analyze(entry, "changes", "b", "why")
    if entry.lists:
        yield from note_partners(entry)
    if entry.is_shared or entry.lists:
        yield attribute_changes(entry)
    if entry.lists:
        yield from unite_lists(entry)


def create_final(entry: UndoneTable) -> Iterator[sql.Composed]:
    if entry.changes and not entry.is_plain:
        final = entry.final
        gone = [sql.SQL("0::bigint AS gone")] if entry.returns else []
        columns = comma([*keys_as(entry), *gone, *columns_as(entry, "f")])
        yield filled(CREATE_FINAL, final=final, columns=columns, table=entry.table.identifier)
        yield filled("CREATE UNIQUE INDEX ON {final} ({keys})", final=final, keys=comma(entry.identity))


def key_names(entry: UndoneTable) -> sql.Composed:
    return identifiers(f"k{n}" for n in range(len(entry.keys)))


def analyze(entry: UndoneTable, what: str, letter: str, *more: str) -> sql.Composed:
    """Collect statistics of the key, the columns that begin with this letter, and `more`. Arrays would take longer."""
    names = [*(f"{letter}{n}" for n in range(len(entry.columns))), *more]
    columns = comma([key_names(entry), identifiers(names)])
    return filled("ANALYZE {table} ({columns})", table=entry.name(what), columns=columns)


def drop_work_tables(tables: Iterable[UndoneTable]) -> None:
    """Drop the work tables, which would otherwise exist until the transaction ends."""
    names = [name for entry in tables for name in entry.work_tables]
    if names:
        run("DROP TABLE {names}", names=comma(names))


def keys_as(entry: UndoneTable) -> Iterator[sql.Composed]:
    for number, name in enumerate(entry.keys):
        yield column_as(entry, name, f"k{number}")


def columns_as(entry: UndoneTable, letter: str) -> Iterator[sql.Composed]:
    for number, name in enumerate(entry.columns):
        if letter != "o" or number in entry.lists:
            yield column_as(entry, name, f"{letter}{number}")


def column_as(entry: UndoneTable, name: str, alias: str) -> sql.Composed:
    """Return a column of a work table. A domain may refuse NULL, which stands for columns that an entry lacks."""
    base_type = sql.SQL(entry.table.base_types[name])
    is_plain = entry.table.base_types[name] == entry.table.columns.get(name)
    return sql.SQL("t.{0} AS {2}" if is_plain else "t.{}::{} AS {}").format(
        sql.Identifier(name), base_type, sql.Identifier(alias)
    )


LOAD_CHANGES = """
INSERT INTO {changes} (entry, pair, undone, type, what, rank, added, partners, differs, watched, {names})
SELECT e.id, e.pair, e.undone, e.type, e.what, 1, false, r.partners::bigint[], r.differs,
    ARRAY(SELECT unnest(r.differs) INTERSECT SELECT unnest({assigned}::integer[])), {values}
FROM transfer_entry AS e
JOIN transfers_journalentry AS j ON j.id = e.id
CROSS JOIN LATERAL (
    SELECT parsed.*, array_remove(ARRAY[{differs}]::integer[], NULL) AS differs
    FROM (
        SELECT u.key::{key_type} AS key, u.before::{row_type} AS before, u.after::{row_type} AS after, u.partners
        FROM unnest(j.keys, j.before, j.after, j.partners) AS u (key, before, after, partners)
        OFFSET 0
    ) AS parsed
    OFFSET 0
) AS r
WHERE e."table" = {regclass} AND e.what = {what} AND e.columns = {columns} AND e.assigned = {number_assigned}
    AND (e.pair <> 0 OR {has_lists})
"""
# One record of each kind stands for all rows.
LOAD_MOVED = """
INSERT INTO {changes} (entry, pair, undone, type, what, rank, added, differs, watched, {names})
SELECT e.id, e.pair, e.undone, e.type, e.what, 1, false, {assigned}::integer[], {assigned}::integer[], {values}
FROM transfer_entry AS e
JOIN transfers_journalentry AS j ON j.id = e.id
CROSS JOIN LATERAL (SELECT j.before[1]::{row_type} AS before, j.after[1]::{row_type} AS after OFFSET 0) AS r_both
CROSS JOIN LATERAL (SELECT u.key::{key_type} AS key FROM unnest(j.keys) AS u (key) OFFSET 0) AS r_key
WHERE e."table" = {regclass} AND e.what = {what} AND e.columns = {columns} AND e.assigned = {number_assigned}
"""


def load_changes(entry: UndoneTable, group: Group) -> Iterator[sql.Composed]:
    yield from create_row_types(entry, group.key_columns, group.columns)
    numbers = [entry.columns.index(name) for name in group.columns]
    is_moved = group.what == "moved"
    both_rows, key_row = ("r_both", "r_key") if is_moved else ("r", "r")
    values = [field_of(key_row, "key", name) for name in group.key_columns]
    values += [field_of(both_rows, side, name) for side in ("before", "after") for name in group.columns]
    names = [f"k{n}" for n in range(len(entry.keys))]
    names += [f"{letter}{n}" for letter in "ba" for n in numbers]
    differs = (
        sql.SQL("CASE WHEN {}::text IS DISTINCT FROM {}::text THEN {} END").format(
            field_of("parsed", "before", name), field_of("parsed", "after", name), sql.Literal(n)
        )
        for n, name in zip(numbers, group.columns, strict=True)
    )
    yield filled(
        LOAD_MOVED if is_moved else LOAD_CHANGES,
        changes=entry.name("changes"),
        names=comma(map(sql.Identifier, names)),
        values=comma(values),
        differs=comma(differs),
        assigned=sql.Literal(numbers[: group.assigned]),
        number_assigned=sql.Literal(group.assigned),
        has_lists=sql.Literal(bool(entry.lists)),
        key_type=entry.row_types[group.key_columns],
        row_type=entry.row_types[group.columns],
        **of_group(entry, group),
    )


def of_group(entry: UndoneTable, group: Group) -> Mapping[str, sql.Composable]:
    return {
        "regclass": sql.Literal(entry.regclass),
        "what": sql.Literal(group.what),
        "columns": sql.SQL("{}::text[]").format(sql.Literal(list(group.columns))),
    }


def field_of(alias: str, record: str, name: str) -> sql.Composed:
    return sql.SQL("({}.{}).{}").format(sql.SQL(alias), sql.SQL(record), sql.Identifier(name))


LOAD_DELETED = """
INSERT INTO {deleted} ("_entry", "_pair", "_type", "_what", "_joint", "_winner", "_inserts", {names})
SELECT e.id, e.pair, e.type, e.what, r.partners, r.winner,
    r.partners IS NULL OR e.undone = (SELECT min(p) FROM unnest(r.partners) AS p), {values}
FROM transfer_entry AS e
JOIN transfers_journalentry AS j ON j.id = e.id
CROSS JOIN LATERAL (
    SELECT u.before::{row_type} AS before, u.partners::bigint[] AS partners, u.winner
    FROM unnest(j.before, j.partners, j.keys) AS u (before, partners, winner)
    OFFSET 0
) AS r
WHERE e."table" = {regclass} AND e.what = {what} AND e.columns = {columns}
"""


def load_deleted(entry: UndoneTable, group: Group) -> Iterator[sql.Composed]:
    yield from create_row_types(entry, group.columns)
    names = [name for name in group.columns if name in entry.kept]
    yield filled(
        LOAD_DELETED,
        deleted=entry.name("deleted"),
        names=comma(map(sql.Identifier, names)),
        values=comma(field_of("r", "before", name) for name in names),
        row_type=entry.row_types[group.columns],
        **of_group(entry, group),
    )


# A row of which a pair has both users is deleted in two ways, and has an entry for each. So has a child that is a
# record of another data type.
ONCE = """
DELETE FROM {deleted} AS d
WHERE d."_joint" IS NOT NULL AND EXISTS (
    SELECT FROM {deleted} AS twin
    WHERE twin."_joint" = d."_joint" AND twin."_pair" = d."_pair" AND twin."_type" = d."_type"
        AND twin."_entry" < d."_entry" AND {same_record}
);
UPDATE {deleted} AS d SET "_inserts" = false
WHERE d."_joint" IS NOT NULL AND d."_inserts" AND EXISTS (
    SELECT FROM {deleted} AS twin
    WHERE twin."_joint" = d."_joint" AND twin."_inserts" AND twin."_what" < d."_what" AND {same_record}
)
"""


def same_record(entry: UndoneTable) -> sql.Composed:
    """Return the condition that rows `twin` and `d` of `deleted` are the same record, for a hash join."""
    return sql.SQL("{} = {}").format(entry.deleted_text("twin"), entry.deleted_text("d"))


MOST = "SELECT {number}, coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM {changes} GROUP BY {keys}) AS t), 1)"
RANK = """
UPDATE {changes} AS c SET rank = ranked.rank
FROM (
    SELECT ctid, row_number() OVER (PARTITION BY {keys} ORDER BY entry DESC) AS rank FROM {changes}
) AS ranked
WHERE ranked.ctid = c.ctid AND ranked.rank > 1
"""


def rank_changes(entries: Sequence[UndoneTable]) -> None:
    """Number the entries of each record, the last one first. Most records have only one."""
    names = [{"changes": entry.name("changes"), "keys": comma(entry.identity)} for entry in entries]
    counts = (as_text(filled(MOST, number=sql.Literal(n), **of)) for n, of in enumerate(names))
    for number, ranks in fetch_union(counts):
        entries[number].ranks = ranks
    send(filled(RANK, **of) for entry, of in zip(entries, names, strict=True) if entry.ranks > 1)
