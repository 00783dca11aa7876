"""What other pairs have added to a sum, and what their undo has subtracted from it, since an entry was written.

Each part of a sum is taken back alone. So what an entry left of it is moved by the parts of the other entries: later
ones that are in effect, and earlier ones that were undone later. If the record has just that now, nobody has changed
it. Entries that are taken back in the same undo are compared one after the other anyway. Sums of real and double
precision are rounded, so their parts can only be taken back the later one first.
"""

from collections.abc import Iterator, Sequence

from psycopg import sql

from transfers.engine.compiler.folds import as_number, range_of
from transfers.engine.compiler.steps import comma
from transfers.engine.undo.loading.lost_keys import text_type, texts
from transfers.engine.undo.tables import UndoneTable, both, filled, rows, run

# A record that was folded into for several pairs at once has an entry for each: the first stands for them.
OTHERS = """
FROM transfers_journalentry AS j
JOIN transfers_transferpair AS p ON p.id = j.pair_id
LEFT JOIN transfers_transferpair AS undo ON undo.id = p.undone_by_id
{folded}
WHERE j."table" = {regclass} AND j.what = 'folded' AND j.summed && {summed} AND j.key_columns = {keys}
    AND j.pair_id NOT IN (SELECT undone FROM transfer_undone)
    AND (j.id > (SELECT min(entry) FROM {changes} WHERE what = 'folded') OR undo.finished_at > (
        SELECT min(own.finished_at) FROM transfers_transferpair AS own JOIN transfer_undone ON undone = own.id
    ))
"""
COLUMNS = "SELECT DISTINCT j.columns {others}"
FOLDED = """
CROSS JOIN LATERAL (
    SELECT u.key, u.before::{row_type} AS before, u.after::{row_type} AS after, u.partners::bigint[] AS partners
    FROM unnest(j.keys, j.before, j.after, j.partners) AS u (key, before, after, partners)
    OFFSET 0
) AS parsed
"""
PARTS = """
SELECT j.id, parsed.key, parsed.partners, undo.finished_at AS undone_at, undo.id IS NULL OR EXISTS (
    SELECT FROM transfers_undoconflict AS x
    WHERE x.pair_id = undo.id AND x."table" = j."table" AND x.key IN (parsed.key, '')
) AS stands, {parts}
{others} AND j.columns = {columns}
    AND (parsed.partners IS NULL OR j.pair_id = (SELECT min(id) FROM unnest(parsed.partners) AS one (id)))
"""
ADD_OTHERS = """
UPDATE {changes} AS c SET {assignments}
FROM (
    SELECT c.ctid AS place, {sums}
    FROM {changes} AS c
    JOIN transfers_transferpair AS own ON own.id = c.undone
    JOIN ({parts}) AS part ON part.key = {key} AND CASE
        WHEN part.id > c.entry THEN part.stands
        ELSE NOT part.stands AND part.undone_at > own.finished_at
    END
    WHERE c.what = 'folded' AND (part.partners IS NULL OR c.undone <> ALL (part.partners))
    GROUP BY 1
) AS since
WHERE since.place = c.ctid
"""


def add_others(entry: UndoneTable) -> None:
    """Move what the entries left of each sum, and what they found, by the parts of other pairs."""
    if not (entry.may_return and entry.summed and any(group.what == "folded" for group in entry.changes)):
        return  # a record is that of one pair
    numbers = [n for n in sorted(entry.summed) if not is_rounded(entry, n)]
    if not numbers:
        return
    names: dict[str, sql.Composable] = {
        "changes": entry.name("changes"),
        "regclass": sql.Literal(entry.regclass),
        "summed": texts(entry.columns[n] for n in numbers),
        "keys": texts(entry.keys),
    }
    parts = list(parts_of_others(entry, numbers, names))
    if parts:
        run(
            ADD_OTHERS,
            assignments=comma(moved(entry, n, letter) for n in numbers for letter in "ab"),
            sums=comma(
                filled(
                    "sum(CASE WHEN part.id > c.entry THEN part.{part} ELSE -part.{part} END) AS {part}",
                    part=sql.Identifier(f"part{n}"),
                )
                for n in numbers
            ),
            parts=sql.SQL(" UNION ALL ").join(parts),
            key=entry.key_text("c"),
            **names,
        )


def is_rounded(entry: UndoneTable, number: int) -> bool:
    return entry.table.base_types[entry.columns[number]] in ("real", "double precision")


def parts_of_others(
    entry: UndoneTable, numbers: Sequence[int], names: dict[str, sql.Composable]
) -> Iterator[sql.Composed]:
    for (columns,) in rows(COLUMNS, others=filled(OTHERS, folded=sql.SQL(""), **names)):
        folded = filled(FOLDED, row_type=text_type(entry, columns))
        yield filled(
            PARTS,
            parts=comma(part(entry, n, columns) for n in numbers),
            columns=texts(columns),
            others=filled(OTHERS, folded=folded, **names),
        )


def part(entry: UndoneTable, number: int, columns: list[str]) -> sql.Composed:
    """Return what an entry with these columns has added to the sum."""
    name = entry.columns[number]
    base_type = entry.table.base_types[name]
    cast = as_number(base_type)
    zero = "('0'::{type}){cast}"
    added = "({after}::{type}){cast} - coalesce(({before}::{type}){cast}, '0')"
    value = f"CASE WHEN {{column}} = ANY (j.summed) THEN {added} ELSE {zero} END" if name in columns else zero
    names = {
        side: filled("(parsed.{side}).{name}", side=sql.SQL(side), name=sql.Identifier(name))
        for side in ("before", "after")
    }
    return filled(
        value + " AS {part}",
        column=sql.Literal(name),
        type=sql.SQL(base_type),
        cast=cast,
        part=sql.Identifier(f"part{number}"),
        **names,
    )


def moved(entry: UndoneTable, number: int, letter: str) -> sql.Composed:
    """Return the assignment of what the sum was before or after the entry, if its type can hold both."""
    base_type = entry.table.base_types[entry.columns[number]]
    part = sql.Identifier(f"part{number}")

    def value(one: str) -> sql.Composed:
        column, cast = sql.Identifier(f"{one}{number}"), as_number(base_type)
        return filled("(coalesce(c.{column}, '0'){cast} + since.{part})", column=column, cast=cast, part=part)

    fits: sql.Composable = sql.SQL("true")
    if limits := range_of(base_type):
        between = sql.SQL(" AND ".join(limits))
        fits = both(filled("{value} BETWEEN {limits}", value=value(one), limits=between) for one in "ab")
    return filled(
        "{column} = CASE WHEN {n} = ANY (c.watched) AND since.{part} <> '0' AND {fits} THEN {value}::{type}"
        " ELSE c.{column} END",
        column=sql.Identifier(f"{letter}{number}"),
        n=sql.Literal(number),
        part=part,
        fits=fits,
        value=value(letter),
        type=sql.SQL(base_type),
    )
