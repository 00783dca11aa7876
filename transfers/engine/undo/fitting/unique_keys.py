"""Find restored records that would conflict with another record on a unique key or an exclusion constraint.

Of two that are restored, the one stays that the transfer changed first. But the other one may stay for another reason,
or because of another key, and is then not in its way. So this is decided when nothing else is found any more.
"""

from collections.abc import Iterator, Sequence

from django.db import transaction
from psycopg import sql

from transfers.engine.catalog.tables import Key, unquoted
from transfers.engine.compiler.steps import as_text, comma, computed_again, generated_columns
from transfers.engine.stage import fetch
from transfers.engine.undo.fitting.records import leave, restored_records
from transfers.engine.undo.tables import UNREADABLE, UndoneTable, both

KEY_TAKEN = "key taken"
# `candidate` has the records as they will be. `holder` has those that are there and stay as they are.
CHECK_KEY = """
WITH candidate AS (
    SELECT *{generated} FROM ({restored}) AS restored
),
keyed AS MATERIALIZED (
    SELECT _entry, _place, _updated, _relation, _row, {key_columns}
    FROM candidate WHERE {predicate}
),
holder AS (
    SELECT t.tableoid AS _relation, t.ctid AS _row, {holder_columns} FROM {table} AS t
),
hit AS (
    SELECT k._place, k._updated, NULL::text AS _other, NULL::boolean AS _other_updated
    FROM keyed AS k
    JOIN (
        SELECT _relation, _row{record_keys}, {key_columns} FROM holder
        WHERE {predicate}
    ) AS h ON {same_key_as_holder}
    WHERE {keys_can_conflict} AND (h._relation, h._row) IS DISTINCT FROM (k._relation, k._row) AND {holder_stays}
    UNION
    (
        SELECT DISTINCT ON (one._place, one._updated) one._place, one._updated, other._place::text, other._updated
        FROM keyed AS one
        JOIN keyed AS other ON {same_key_as_other}
        WHERE {one_can_conflict}
            AND (one._entry, one._updated, one._place) < (other._entry, other._updated, other._place)
        ORDER BY one._place, one._updated, other._entry DESC, other._updated DESC, other._place DESC
    )
)
SELECT _place::text, _updated, _other, _other_updated FROM hit
"""
# Arrays are equal if both hold NULL, and unlike IS NOT DISTINCT FROM this can be a hash join. Columns that are never
# NULL are compared directly, because only then does the planner use their statistics and the index.
EQUAL_OR_BOTH_NULL = "ARRAY[{0}.{2}] = ARRAY[{1}.{2}] AND {0}.{2} IS NOT DISTINCT FROM {1}.{2}"
HOLDER_STAYS = "NOT EXISTS (SELECT FROM {final} AS f WHERE {is_record})"


Place = tuple[str, bool]  # of a record in a work table, and whether it is updated there, or inserted again


def check_keys(table: UndoneTable) -> list[tuple[Place, Place]]:
    """Leave the records of which another one has the key, and return those of which another restored one will have it.

    Each is returned with the other one.
    """
    changed, between = frozenset(table.columns), list[tuple[Place, Place]]()
    for key in table.table.keys:
        if table.deletions or key.columns & changed:
            hits = list(hits_of_key(table, key))
            leave(table, {one for one, other in hits if other is None}, KEY_TAKEN)
            between += ((one, other) for one, other in hits if other)
    return between


def leave_losers(table: UndoneTable, between: Sequence[tuple[Place, Place]]) -> int:
    """Leave those records of `between` of which the other one does not lose itself, and return their number."""
    losers = {one for one, _ in between}
    found = {one for one, other in between if other not in losers}
    leave(table, found, KEY_TAKEN)
    return len(found)


def hits_of_key(table: UndoneTable, key: Key) -> Iterator[tuple[Place, Place | None]]:
    updates = bool(table.columns) and bool(key.columns & frozenset(table.columns))
    restored = list(restored_records(table, updates=updates))
    if not restored:
        return
    parts = [sql.Identifier(f"_k{n}") for n in range(len(key.expressions))]
    again = computed_again(table.table, table.columns)
    computed = {name: "true" if name in again else "NOT _updated" for name in table.table.generated}
    statement = sql.SQL(CHECK_KEY).format(
        table=table.table.identifier,
        restored=sql.SQL(" UNION ALL ").join(restored),
        generated=generated_columns(table.table, computed),
        key_columns=comma(
            sql.SQL("{} AS {}").format(sql.SQL(expression), name)
            for expression, name in zip(key.compared, parts, strict=True)
        ),
        holder_columns=comma(
            sql.SQL("t.{}").format(sql.Identifier(name)) for name in table.table.all_columns
        ),
        predicate=sql.SQL(key.predicate),
        record_keys=sql.SQL("").join(
            sql.SQL(", {} AS {}").format(sql.Identifier(name), sql.Identifier(f"_id{n}"))
            for n, name in enumerate(table.keys)
        ),
        same_key_as_holder=same_values(table, key, parts, "k", "h"),
        same_key_as_other=same_values(table, key, parts, "one", "other"),
        keys_can_conflict=not_null(key, parts, "k"),
        one_can_conflict=not_null(key, parts, "one"),
        holder_stays=sql.SQL(HOLDER_STAYS).format(
            final=table.final,
            is_record=both(
                sql.SQL("h.{} = f.{}").format(sql.Identifier(f"_id{n}"), sql.Identifier(f"k{n}"))
                for n in range(len(table.keys))
            ),
        )
        if updates
        else sql.SQL("true"),
    )
    try:
        with transaction.atomic():
            hits = fetch(as_text(statement))
    except UNREADABLE:
        return  # an expression that was added since fails for a record, which the table itself will refuse
    for place, updated, other, other_updated in hits:
        yield (place, updated), (other, other_updated) if other else None


def same_values(
    table: UndoneTable, key: Key, parts: Sequence[sql.Identifier], one: str, other: str
) -> sql.Composed:
    operators = key.operators or ["="] * len(parts)
    return both(
        sql.SQL(
            EQUAL_OR_BOTH_NULL
            if key.nulls_equal and unquoted(expression) not in table.table.filled
            else "{0}.{2} {3} {1}.{2}"
        ).format(sql.SQL(one), sql.SQL(other), part, sql.SQL(operator))
        for part, expression, operator in zip(parts, key.expressions, operators, strict=True)
    )


def not_null(key: Key, parts: Sequence[sql.Identifier], alias: str) -> sql.Composable:
    if key.nulls_equal:
        return sql.SQL("true")
    # Not IS NOT NULL, which is false for a composite value with a field that is NULL.
    return both(sql.SQL("{}.{} IS DISTINCT FROM NULL").format(sql.SQL(alias), part) for part in parts)
