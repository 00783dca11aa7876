"""Leave the references that would close a circle in a table that refers to itself, such as one of folders.

A transfer detaches a record from a deleted row or re-points it, and people may put that row's own parents below it.
"""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from transfers.engine.compiler.steps import comma, identifiers
from transfers.engine.undo.references.keys import Reference
from transfers.engine.undo.tables import UndoneTable, both, filled

# Goes up from each reference that is restored, as the records will be. If all references of a circle are restored, it
# was there before the transfer. Of several in one circle, the first one stays; the next round looks at the others.
WOULD_CLOSE_CIRCLE = """
WITH RECURSIVE up (start, first, is_restored, {own_names}, {above_names}) AS (
    SELECT {key}, {key}, true, {own}, {above}
    FROM {final} AS f JOIN {parent} AS t ON {is_record}
    WHERE {is_changed}
    UNION
    SELECT up.start, least(up.first, higher.key), up.is_restored AND higher.is_restored, {same_own}, {higher_above}
    FROM up
    CROSS JOIN LATERAL (
        SELECT CASE WHEN {is_changed} THEN {key} END, coalesce({is_changed}, false), {above}
        FROM {parent} AS t LEFT JOIN {final} AS f ON {is_record}
        WHERE {is_above}{returning}
    ) AS higher (key, is_restored, {above_names})
    WHERE NOT coalesce({has_arrived}, true)
)
UPDATE {changes} AS d SET why = 'circle'
WHERE d.why IS NULL AND d.differs && {numbers} AND {key_of_change} IN (
    SELECT up.start FROM up WHERE {has_arrived} AND NOT up.is_restored AND up.first = up.start
)
"""
RETURNING = """
        UNION ALL
        SELECT NULL, true, {above} FROM {deleted} AS t WHERE t."_why" IS NULL AND t."_inserts" AND {is_above}"""


def check_circles(
    table: UndoneTable, references: Sequence[Reference], _: Sequence[UndoneTable]
) -> Iterator[sql.Composed]:
    for reference in references:
        numbers = [table.columns.index(name) for name in reference.columns if name in table.columns]
        # A record that gets its referenced value back itself, as that of the owner, is left to the foreign key.
        is_own = table in reference.parents([table]) and table.assigned.isdisjoint(reference.referenced)
        if numbers and is_own:
            yield check_circle(table, reference, numbers)


def check_circle(table: UndoneTable, reference: Reference, numbers: Sequence[int]) -> sql.Composed:
    """numbers: those of the columns of the reference that entries changed."""
    own = [f"own_{n}" for n in range(len(reference.columns))]
    above = [f"above_{n}" for n in range(len(reference.columns))]
    now = [column("t", name) for name in reference.columns]
    restored = [
        table.restored(table.columns.index(name), "f", value) if name in table.columns else value
        for name, value in zip(reference.columns, now, strict=True)
    ]
    is_above = both(
        filled("t.{name} = up.{above}", name=sql.Identifier(name), above=sql.Identifier(value))
        for name, value in zip(reference.referenced, above, strict=True)
    )
    changed = filled("{numbers}::integer[]", numbers=sql.Literal(list(numbers)))
    returning: sql.Composable = sql.SQL("")
    if table.deletions and {*reference.columns, *reference.referenced} <= set(table.kept):
        returning = filled(
            RETURNING, above=typed(table, reference, now), deleted=table.name("deleted"), is_above=is_above
        )
    return filled(
        WOULD_CLOSE_CIRCLE,
        changes=table.name("changes"),
        final=table.final,
        parent=sql.SQL(reference.parent),
        is_record=table.is_record("t", "f"),
        key=table.key_text("f"),
        key_of_change=table.key_text("d"),
        own_names=identifiers(own),
        above_names=identifiers(above),
        own=typed(table, reference, [column("t", name) for name in reference.referenced]),
        above=typed(table, reference, restored),
        same_own=comma(column("up", name) for name in own),
        higher_above=comma(column("higher", name) for name in above),
        is_changed=filled("f.differs && {numbers}", numbers=changed),
        is_above=is_above,
        returning=returning,
        has_arrived=both(
            filled("up.{above} = up.{own}", above=sql.Identifier(one), own=sql.Identifier(other))
            for one, other in zip(above, own, strict=True)
        ),
        numbers=changed,
    )


def column(alias: str, name: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(name))


def typed(table: UndoneTable, reference: Reference, values: Iterable[sql.Composable]) -> sql.Composed:
    """Return these values in the types of the columns that refer, as a recursive query needs them."""
    types = (table.table.base_types[name] for name in reference.columns)
    return comma(
        sql.SQL("({})::{}").format(value, sql.SQL(sql_type))
        for value, sql_type in zip(values, types, strict=True)
    )
