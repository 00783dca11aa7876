"""Load the journal entries of the undone pairs into work tables, one or two for each record table.

`changes` has a row for each record and pair that an entry changed: its key (`k0`, `k1`, …), and the columns before and
after (`b0`, `a0`, …). `differs` are the numbers of the columns to restore, `watched` those of them that must still be
as the transfer left them. `deleted` has a row for each record and pair that was deleted, with the columns of the record.
In both, `why` is the reason why the record stays as it is, or NULL.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from psycopg import sql

from transfers.engine.catalog.names import parts_of
from transfers.engine.catalog.tables import Table, read_tables
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import as_text, comma, sql_file
from transfers.engine.stage import execute, fetch
from transfers.registry import data_types
from transfers.rules import Combine, DataType, Merge, Sum

NUMBERS = count()  # work tables of several predictions may exist in one transaction


class UndonePair(NamedTuple):
    """A pair of an undo. `key` is unique within the batch; source and target are those of the undo, so exchanged.

    `undoes` are the IDs of the pairs that it takes back.
    """

    key: int
    source_id: int
    target_id: int
    undoes: tuple[int, ...]


class Group(NamedTuple):
    """Entries with the same columns. `assigned` is the number of columns that the statement wrote."""

    what: str
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    assigned: int


DELETED = ("dropped", "merged", "replaced", "children")
LATE = ("adopted", "detached")  # restored after the rows that they refer to


@dataclass
class UndoneTable:
    """A record table and its work tables. `columns` are those of `changes`, by number.

    `last_entry` is the ID of the last entry that deleted a row: parents are deleted after their children.
    """

    regclass: str
    table: Table
    number: int
    changes: list[Group] = field(default_factory=list)
    deletions: list[Group] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    summed: frozenset[int] = frozenset()
    last_entry: int = 0
    ranks: int = 1
    is_shared: bool = False
    row_types: dict[tuple[str, ...], sql.Identifier] = field(default_factory=dict)

    def name(self, what: str) -> sql.Identifier:
        return sql.Identifier("pg_temp", f"undo_{self.number}_{what}")

    @property
    def work_tables(self) -> list[sql.Identifier]:
        changed = ["changes", "final"] if self.changes else []
        deleted = ["deleted"] if self.deletions else []
        return [*map(self.name, changed + deleted), *self.row_types.values()]

    @property
    def keys(self) -> tuple[str, ...]:
        return self.table.key_columns

    @property
    def restorable(self) -> list[str]:
        """The columns of a deleted record that can be written."""
        kept = self.deletions[0].columns if self.deletions else ()
        return [name for name in kept if name in self.table.columns]

    def same_key(self, one: str, other: str) -> sql.Composed:
        """Return the condition that two rows of work tables have the same key. Both are aliases."""
        return both(
            sql.SQL("{0}.{2} = {1}.{2}").format(sql.SQL(one), sql.SQL(other), sql.Identifier(f"k{n}"))
            for n in range(len(self.keys))
        )

    def is_record(self, record: str, work: str) -> sql.Composed:
        """Return the condition that a record has the key of a row of a work table. Both are aliases."""
        return both(
            sql.SQL("{}.{} = {}.{}").format(
                sql.SQL(record), sql.Identifier(name), sql.SQL(work), sql.Identifier(f"k{n}")
            )
            for n, name in enumerate(self.keys)
        )

    def key_text(self, alias: str) -> sql.Composed:
        names = (
            sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(f"k{n}")) for n in range(len(self.keys))
        )
        return sql.SQL("ROW({})::text").format(comma(names))

    def deleted_key_text(self, alias: str) -> sql.Composable:
        if not self.keys:
            return sql.SQL("''")
        names = (sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(name)) for name in self.keys)
        return sql.SQL("ROW({})::text").format(comma(names))


def both(conditions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL("({})").format(sql.SQL(" AND ").join(conditions))


def run(statement: str, **names: sql.Composable) -> None:
    execute(as_text(sql.SQL(statement).format(**names)))


def rows(statement: str, **names: sql.Composable) -> list[tuple]:
    return fetch(as_text(sql.SQL(statement).format(**names)))


# --- Which tables and columns ----------------------------------------------------------------------------------------

GROUPS = """
SELECT "table", what, key_columns, columns, assigned, max(id), bool_or(is_shared), bool_and(has_keys)
FROM transfer_entry
GROUP BY "table", what, key_columns, columns, assigned
ORDER BY "table", max(id)
"""
PARTS = "SELECT name, parse_ident(name) FROM unnest(%(names)s::text[]) AS t (name)"
CANNOT = """
INSERT INTO transfer_conflict (pair, type, "table", key, n, why)
SELECT pair, type, "table", '', n, %(why)s FROM transfer_entry
WHERE "table" = %(table)s AND what = %(what)s AND columns = %(columns)s::text[] AND key_columns = %(keys)s::text[]
"""


def load(pairs: Sequence[UndonePair], *, only_shared: bool = False) -> list[UndoneTable]:
    """Load the entries of these pairs, and return the tables in which they did something.

    only_shared: leave out entries without rows of several pairs.
    """
    load_entries(pairs)
    if only_shared:
        execute("DELETE FROM transfer_entry WHERE NOT is_shared")
    groups = fetch(GROUPS)
    tables = tables_named({name for name, *_ in groups})
    undone: dict[str, UndoneTable] = {}
    for name, what, key_columns, columns, assigned, last, is_shared, has_keys in groups:
        group = Group(what, tuple(key_columns), tuple(columns), assigned)
        table = tables.get(name)
        if why := obstacle(table, group, has_keys=has_keys):
            parameters = {"table": name, "what": what, "columns": columns, "keys": key_columns, "why": why}
            execute(CANNOT, parameters)
        elif table:
            entry = undone.setdefault(name, UndoneTable(name, table, next(NUMBERS)))
            add_group(entry, group, last)
            entry.is_shared |= is_shared
    for entry in undone.values():
        entry.summed = summed_columns(entry)
        create_work_tables(entry)
    return list(undone.values())


def load_entries(pairs: Sequence[UndonePair]) -> None:
    execute(sql_file("undo/tables"))
    both_ids = [(pair.key, undone) for pair in pairs for undone in pair.undoes]
    columns = {"pairs": [key for key, _ in both_ids], "undone": [undone for _, undone in both_ids]}
    execute(sql_file("undo/load_pairs"), columns)
    execute("ANALYZE transfer_undone")
    execute(sql_file("undo/load_entries"))
    execute("ANALYZE transfer_entry")


def tables_named(names: Iterable[str]) -> dict[str, Table]:
    """Return the tables by their name in the journal; those that no longer exist are left out."""
    parts = dict(fetch(PARTS, {"names": sorted(names)}))
    quoted = {
        '"' + '"."'.join(part.replace('"', '""') for part in found) + '"': name
        for name, found in parts.items()
    }
    return {quoted[name]: table for name, table in read_tables(quoted).items()}


def obstacle(table: Table | None, group: Group, *, has_keys: bool) -> str:
    """Return why the records of a group cannot be restored, as `UndoConflict.Why`, or ""."""
    if table is None or not set(group.columns) <= set(table.all_columns):
        return "other columns"
    if group.what in DELETED:
        return ""
    if not has_keys:
        return "no key"
    is_same = group.key_columns == table.key_columns and set(group.columns) <= set(table.columns)
    return "" if is_same else "other columns"


def add_group(entry: UndoneTable, group: Group, last: int) -> None:
    if group.what in DELETED:
        if entry.deletions and entry.deletions[0].columns != group.columns:
            entry.deletions.sort(key=lambda kept: -len(kept.columns))
        entry.deletions.append(group)
        entry.last_entry = max(entry.last_entry, last)
    else:
        entry.changes.append(group)
        entry.columns += [name for name in group.columns if name not in entry.columns]


def summed_columns(entry: UndoneTable) -> frozenset[int]:
    """Return the numbers of the columns that are folded by Sum."""
    types = [found for found in data_types() if is_of_table(found, entry.table)]
    names = {
        column_of(found.model, name)
        for found in types
        if isinstance(found.rule, Combine) and isinstance(found.rule.on_clash, Merge)
        for name, fold in found.rule.on_clash.columns.items()
        if isinstance(fold, Sum)
    }
    return frozenset(number for number, name in enumerate(entry.columns) if name in names)


def is_of_table(data_type: DataType, table: Table) -> bool:
    return parts_of(data_type.model._meta.db_table) == parts_of(table.name)


# --- The work tables -------------------------------------------------------------------------------------------------

CREATE_CHANGES = """
CREATE TEMP TABLE {changes} ON COMMIT DROP AS
SELECT 0::bigint AS entry, 0::bigint AS pair, 0::bigint AS undone, ''::text AS type, ''::text AS what,
    NULL::bigint[] AS partners, NULL::bigint[] AS joint, 1 AS rank, '{{}}'::integer[] AS differs,
    '{{}}'::integer[] AS watched, false AS added, NULL::text AS why, {columns}
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
    NULL::bigint[] AS "_joint", true AS "_inserts", NULL::text AS "_why", {columns}
FROM {table} AS t WITH NO DATA
"""
ROW_TYPE = "CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {table} AS t WITH NO DATA"


def create_work_tables(entry: UndoneTable) -> None:
    table = {"table": entry.table.identifier}
    if entry.changes:
        columns = comma([*keys_as(entry), *columns_as(entry, "b"), *columns_as(entry, "a")])
        run(CREATE_CHANGES, changes=entry.name("changes"), columns=columns, **table)
        columns = comma([*keys_as(entry), *columns_as(entry, "f")])
        run(CREATE_FINAL, final=entry.name("final"), columns=columns, **table)
        names = comma(sql.Identifier(f"k{n}") for n in range(len(entry.keys)))
        run("CREATE UNIQUE INDEX ON {final} ({names})", final=entry.name("final"), names=names)
        run("CREATE INDEX ON {changes} ({names})", changes=entry.name("changes"), names=names)
        for group in entry.changes:
            load_changes(entry, group)
        run("ANALYZE {changes}", changes=entry.name("changes"))
        rank_changes(entry)
        if entry.is_shared:
            attribute_changes(entry)
    if entry.deletions:
        columns = comma(map(sql.Identifier, entry.restorable))
        run(CREATE_DELETED, deleted=entry.name("deleted"), columns=columns, **table)
        for group in entry.deletions:
            load_deleted(entry, group)
        run("ANALYZE {deleted}", deleted=entry.name("deleted"))


def drop_work_tables(tables: Iterable[UndoneTable]) -> None:
    """Drop the work tables, which would otherwise exist until the transaction ends."""
    names = [name for entry in tables for name in entry.work_tables]
    if names:
        run("DROP TABLE {names}", names=comma(names))


def keys_as(entry: UndoneTable) -> Iterator[sql.Composed]:
    for number, name in enumerate(entry.keys):
        yield sql.SQL("t.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{number}"))


def columns_as(entry: UndoneTable, letter: str) -> Iterator[sql.Composed]:
    for number, name in enumerate(entry.columns):
        yield sql.SQL("t.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"{letter}{number}"))


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


def load_changes(entry: UndoneTable, group: Group) -> None:
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
    run(
        LOAD_MOVED if is_moved else LOAD_CHANGES,
        changes=entry.name("changes"),
        names=comma(map(sql.Identifier, names)),
        values=comma(values),
        differs=comma(differs),
        assigned=sql.Literal(numbers[: group.assigned]),
        number_assigned=sql.Literal(group.assigned),
        key_type=row_type(entry, group.key_columns),
        row_type=row_type(entry, group.columns),
        **of_group(entry, group),
    )


def of_group(entry: UndoneTable, group: Group) -> Mapping[str, sql.Composable]:
    return {
        "regclass": sql.Literal(entry.regclass),
        "what": sql.Literal(group.what),
        "columns": sql.SQL("{}::text[]").format(sql.Literal(list(group.columns))),
    }


def row_type(entry: UndoneTable, columns: tuple[str, ...]) -> sql.Identifier:
    """Return the name of a table with these columns, by whose row type records of the journal are read."""
    if columns not in entry.row_types:
        name = entry.row_types[columns] = entry.name(f"row_{len(entry.row_types)}")
        run(ROW_TYPE, name=name, columns=comma(map(sql.Identifier, columns)), table=entry.table.identifier)
    return entry.row_types[columns]


def field_of(alias: str, record: str, name: str) -> sql.Composed:
    return sql.SQL("({}.{}).{}").format(sql.SQL(alias), sql.SQL(record), sql.Identifier(name))


LOAD_DELETED = """
INSERT INTO {deleted} ("_entry", "_pair", "_type", "_what", "_joint", "_inserts", {names})
SELECT e.id, e.pair, e.type, e.what, r.partners,
    r.partners IS NULL OR e.undone = (SELECT min(p) FROM unnest(r.partners) AS p), {values}
FROM transfer_entry AS e
JOIN transfers_journalentry AS j ON j.id = e.id
CROSS JOIN LATERAL (
    SELECT u.before::{row_type} AS before, u.partners::bigint[] AS partners
    FROM unnest(j.before, j.partners) AS u (before, partners)
    OFFSET 0
) AS r
WHERE e."table" = {regclass} AND e.what = {what} AND e.columns = {columns}
"""


def load_deleted(entry: UndoneTable, group: Group) -> None:
    names = [name for name in group.columns if name in entry.restorable]
    run(
        LOAD_DELETED,
        deleted=entry.name("deleted"),
        names=comma(map(sql.Identifier, names)),
        values=comma(field_of("r", "before", name) for name in names),
        row_type=row_type(entry, group.columns),
        **of_group(entry, group),
    )


RANK = """
WITH ranked AS (
    SELECT ctid, row_number() OVER (PARTITION BY {keys} ORDER BY entry DESC) AS rank FROM {changes}
)
UPDATE {changes} AS c SET rank = ranked.rank FROM ranked WHERE ranked.ctid = c.ctid AND ranked.rank > 1
"""


def rank_changes(entry: UndoneTable) -> None:
    """Number the entries of each record, the last one first."""
    changes = entry.name("changes")
    keys = comma(sql.Identifier(f"k{n}") for n in range(len(entry.keys)))
    run(RANK, changes=changes, keys=keys)
    [(entry.ranks,)] = rows("SELECT coalesce(max(rank), 1) FROM {changes}", changes=changes)


# --- Records of several pairs ----------------------------------------------------------------------------------------

# A column from the ID of a pair's source to that of its target is this pair's alone. If there is another change, the
# record is taken back for all of its pairs at once, by the entry of the first of them.
ATTRIBUTE = """
WITH attributed AS (
    SELECT c.ctid AS place, c.what, c.undone, c.partners, c.differs, c.watched,
        array_remove(ARRAY[{own}]::integer[], NULL) AS own,
        array_remove(ARRAY[{others}]::integer[], NULL) AS others
    FROM {changes} AS c
    JOIN transfer_undone AS u ON u.undone = c.undone
    WHERE c.partners IS NOT NULL
),
judged AS (
    SELECT *, what NOT IN ('moved', 'changed')
        OR EXISTS (SELECT unnest(watched) EXCEPT SELECT unnest(own || others)) AS is_joint
    FROM attributed
)
UPDATE {changes} AS c SET
    joint = CASE WHEN is_joint THEN judged.partners END,
    differs = CASE
        WHEN NOT is_joint THEN ARRAY(SELECT unnest(judged.differs) EXCEPT SELECT unnest(judged.others))
        WHEN judged.undone = (SELECT min(p) FROM unnest(judged.partners) AS p) THEN judged.differs
        ELSE '{{}}'
    END,
    watched = CASE
        WHEN NOT is_joint THEN judged.own
        WHEN judged.undone = (SELECT min(p) FROM unnest(judged.partners) AS p) THEN judged.watched
        ELSE '{{}}'
    END
FROM judged
WHERE judged.place = c.ctid
"""
OWN = """
CASE WHEN {n} = ANY (c.watched) AND c.{b}::text = u.source::text AND c.{a}::text = u.target::text THEN {n} END
"""
OTHERS = """
CASE WHEN {n} = ANY (c.watched) AND EXISTS (
    SELECT FROM transfers_transferpair AS p
    WHERE p.id = ANY (c.partners) AND p.id <> c.undone
        AND c.{b}::text = p.source_id::text AND c.{a}::text = p.target_id::text
) THEN {n} END
"""


def attribute_changes(entry: UndoneTable) -> None:
    def of_columns(template: str) -> sql.Composed:
        return comma(
            sql.SQL(template).format(n=sql.Literal(n), b=sql.Identifier(f"b{n}"), a=sql.Identifier(f"a{n}"))
            for n in range(len(entry.columns))
        )

    run(ATTRIBUTE, changes=entry.name("changes"), own=of_columns(OWN), others=of_columns(OTHERS))
