"""Compare each record with what the journal's entries say about it, and note what is to be restored."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from transfers.engine.compiler.folds import as_number, range_of
from transfers.engine.compiler.steps import comma
from transfers.engine.undo.loading.lists import map_lists
from transfers.engine.undo.loading.returning import forget_returning, restore_returning
from transfers.engine.undo.loading.work_tables import analyze
from transfers.engine.undo.tables import UndoneTable, both, filled
from transfers.models import PairState

# A record whose later entry is not taken back has no values of that one (`f`), so to compare with them gives NULL.
COMPARE = """
WITH compared AS (
    SELECT c.ctid AS place, CASE WHEN {is_gone} THEN 'deleted' WHEN ({is_same}) IS NOT TRUE THEN 'changed' END AS why,
        {is_added} AS added
    FROM {changes} AS c
    LEFT JOIN {table} AS t ON {is_record}{or_returning}{later_entries}
    WHERE c.rank = {rank} AND c.why IS NULL AND c.differs <> '{{}}'
)
UPDATE {changes} AS c SET why = compared.why, added = compared.added
FROM compared
WHERE compared.place = c.ctid AND (compared.why IS NOT NULL OR compared.added)
"""
# A column that only a trigger changed is restored if it is still as the transfer left it, and with the last pair of its
# record: the trigger may have changed it for any of them.
OVERLAY = """
INSERT INTO {final} AS f (entry, differs, watched, late, {keys}, {values})
SELECT c.entry, d.differs, c.watched, CASE WHEN c.what IN ('adopted', 'detached') THEN d.differs ELSE '{{}}' END,
    {key_values}, {new_values}
FROM {changes} AS c
LEFT JOIN {table} AS t ON {is_record}{or_returning}{later_entries}
CROSS JOIN LATERAL (SELECT {is_last} AS is_last OFFSET 0) AS l
CROSS JOIN LATERAL (SELECT {differs} AS differs) AS d
WHERE c.rank = {rank} AND c.why IS NULL AND c.differs <> '{{}}'
ON CONFLICT ({keys}) DO UPDATE SET
    entry = least(f.entry, excluded.entry),
    differs = ARRAY(SELECT unnest(f.differs || excluded.differs) GROUP BY 1),
    watched = ARRAY(SELECT unnest(f.watched || excluded.watched) GROUP BY 1),
    late = ARRAY(SELECT unnest(f.late || excluded.late) GROUP BY 1),
    {overlaid}
"""

# None of the others is still transferred, or has left the record in an undo.
IS_LAST = """
NOT EXISTS (
    SELECT FROM unnest(c.divided) AS other (id) JOIN transfers_transferpair AS p ON p.id = other.id
    WHERE p.id <> c.undone AND CASE
        WHEN p.undone_by_id IS NULL THEN NOT EXISTS (
            SELECT FROM {changes} AS twin WHERE {same_record} AND twin.undone = p.id AND twin.why IS NULL
        )
        ELSE EXISTS (
            SELECT FROM transfers_undoconflict AS x
            WHERE x.pair_id = p.undone_by_id AND x."table" = {regclass} AND x.key = {key}
        ) OR EXISTS (  -- it was transferred again
            SELECT FROM transfers_transferpair AS again
            WHERE again.source_id = p.source_id AND again.target_id = p.target_id AND again.id > p.id
                AND again.state = {succeeded} AND again.undone_by_id IS NULL
        )
    END
)
"""


def check_table(table: UndoneTable) -> Iterator[sql.Composed]:
    """Compare each record with what the entries say, the last entry first, and note what is to be restored."""
    if not table.changes:
        return
    if table.is_plain:
        yield filled(COMPARE, **names_of(table, 1))
        return
    yield filled("DELETE FROM {final}", final=table.final)
    if table.returns:
        yield forget_returning(table)
    for rank in range(1, table.ranks + 1):
        if table.lists:
            yield map_lists(table, rank)
        names = names_of(table, rank)
        yield filled(COMPARE, **names)
        yield filled(OVERLAY, **names)
    if table.returns:
        yield from restore_returning(table)
    yield analyze(table, "final", "f")


def names_of(table: UndoneTable, rank: int) -> dict[str, sql.Composable]:
    numbers = range(len(table.columns))
    values = [sql.Identifier(f"f{n}") for n in numbers]
    return {
        "changes": table.name("changes"),
        "final": table.final,
        "table": table.table.identifier,
        "is_gone": sql.SQL("{} IS NULL").format(now(table, table.keys[0])),
        "is_record": table.is_record("t", "c"),
        "or_returning": or_returning(table),
        "later_entries": later_entries(table, rank),
        "rank": sql.Literal(rank),
        "is_same": both(is_same(table, n, rank) for n in numbers),
        "is_added": any_of(is_added(table, n, rank) for n in table.summed),
        "keys": comma(table.identity),
        "values": comma(values),
        "key_values": comma(sql.SQL("c.{}").format(key) for key in table.identity),
        "new_values": comma(new_value(table, n, rank) for n in numbers),
        "is_last": is_last(table),
        "differs": still_as_left(table, rank),
        "overlaid": comma(
            sql.SQL("{0} = CASE WHEN {1} = ANY (excluded.differs) THEN excluded.{0} ELSE f.{0} END").format(
                name, sql.Literal(n)
            )
            for n, name in enumerate(values)
        ),
    }


def or_returning(table: UndoneTable) -> sql.Composable:
    """Return the join with the records `r` that are inserted again."""
    if not table.returns:
        return sql.SQL("")
    join = ' LEFT JOIN {} AS r ON {} AND r."_compared"'
    return sql.SQL(join).format(table.name("returning"), table.is_returning("c"))


def later_entries(table: UndoneTable, rank: int) -> sql.Composable:
    """Return the join with what later entries of the record restore. The last entry, of rank 1, has none."""
    if rank == 1:
        return sql.SQL("")
    return sql.SQL(" LEFT JOIN {} AS f ON {}").format(table.final, table.same_record("f", "c"))


def now(table: UndoneTable, column: str) -> sql.Composed:
    """Return the value that the column of the record has now, or had when the record was deleted that returns."""
    name = sql.Identifier(column)
    if table.returns and column in table.restorable:
        return sql.SQL('CASE WHEN r."_n" IS NULL THEN t.{0} ELSE r.{0} END').format(name)
    return sql.SQL("t.{}").format(name)


def current(table: UndoneTable, number: int, rank: int) -> sql.Composed:
    """Return the value that the column has now, or will have once later entries of the record are taken back."""
    if rank == 1:
        return now(table, table.columns[number])
    return sql.SQL("CASE WHEN {} = ANY (f.differs) THEN f.{} ELSE {} END").format(
        sql.Literal(number), sql.Identifier(f"f{number}"), now(table, table.columns[number])
    )


def is_same(table: UndoneTable, number: int, rank: int) -> sql.Composed:
    names = {
        "n": sql.Literal(number),
        "now": current(table, number, rank),
        "before": sql.Identifier(f"b{number}"),
        "after": sql.Identifier(f"a{number}"),
        "final": sql.Identifier(f"f{number}"),
    }
    conditions = [
        filled("{n} <> ALL (c.watched) OR ({now})::text IS NOT DISTINCT FROM c.{after}::text", **names)
    ]
    if number in table.summed:
        conditions.append(is_added(table, number, rank))
    if rank > 1:  # people took it back themselves, and a later entry, which is taken back, found it so
        conditions.append(
            filled("{n} = ANY (f.differs) AND f.{final}::text IS NOT DISTINCT FROM c.{before}::text", **names)
        )
    return filled("({conditions})", conditions=sql.SQL(" OR ").join(conditions))


def is_added(table: UndoneTable, number: int, rank: int) -> sql.Composed:
    """Return the condition that a sum was increased since: the part that the transfer brought is subtracted."""
    base_type = table.table.base_types[table.columns[number]]
    low_high = range_of(base_type)
    fits: sql.Composable = sql.SQL("true")
    if low_high:
        fits = sql.SQL("({}) BETWEEN {}").format(
            difference(table, number, rank), sql.SQL(" AND ".join(low_high))
        )
    return sql.SQL(
        "CASE WHEN c.what = 'folded' AND {} = ANY (c.watched) AND {} > c.{} THEN {} ELSE false END"
    ).format(sql.Literal(number), current(table, number, rank), sql.Identifier(f"a{number}"), fits)


def difference(table: UndoneTable, number: int, rank: int) -> sql.Composed:
    """Return what is left of a sum without the part that the transfer brought."""
    cast = as_number(table.table.base_types[table.columns[number]])
    names = {"a": sql.Identifier(f"a{number}"), "b": sql.Identifier(f"b{number}"), "cast": cast}
    # '0' in quotes, because intervals are added too.
    return sql.SQL("({now}){cast} - (c.{a}{cast} - coalesce(c.{b}, '0'){cast})").format(
        now=current(table, number, rank), **names
    )


def any_of(conditions: Iterable[sql.Composed]) -> sql.Composable:
    return sql.SQL("coalesce({}, false)").format(sql.SQL(" OR ").join([*conditions, sql.SQL("false")]))


def new_value(table: UndoneTable, number: int, rank: int) -> sql.Composed:
    before = sql.SQL("c.{}").format(sql.Identifier(f"b{number}"))
    if number not in table.summed:
        return before
    sql_type = sql.SQL(table.table.columns[table.columns[number]])
    return sql.SQL("CASE WHEN c.added AND {} > c.{} THEN ({})::{} ELSE {} END").format(
        current(table, number, rank),
        sql.Identifier(f"a{number}"),
        difference(table, number, rank),
        sql_type,
        before,
    )


def is_last(table: UndoneTable) -> sql.Composable:
    """Return the condition that no other pair of the record keeps what the transfer made of it."""
    if all(len(group.columns) == group.assigned for group in table.changes):
        return sql.SQL("true")
    names = {"changes": table.name("changes"), "same_record": table.same_record("twin", "c")}
    succeeded = sql.Literal(PairState.SUCCEEDED.value)
    return filled(
        IS_LAST, regclass=sql.Literal(table.regclass), key=table.key_text("c"), succeeded=succeeded, **names
    )


def still_as_left(table: UndoneTable, rank: int) -> sql.Composed:
    """Return the numbers of the columns to restore: those that are watched, and others that are still as left."""
    parts = (
        sql.SQL(
            "CASE WHEN {0} = ANY (c.watched) OR {0} = ANY (c.differs) AND l.is_last"
            " AND ({1})::text IS NOT DISTINCT FROM c.{2}::text THEN {0} END"
        ).format(sql.Literal(n), current(table, n, rank), sql.Identifier(f"a{n}"))
        for n in range(len(table.columns))
    )
    return sql.SQL("array_remove(ARRAY[{}]::integer[], NULL)").format(comma(parts))
