"""Decide which of several pairs a change of a shared record belongs to."""

from psycopg import sql

from accounts.models import User
from transfers.engine.catalog.names import identifier
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import comma
from transfers.engine.undo.loading.lists import mapped_list
from transfers.engine.undo.tables import UndoneTable, filled

# A column from the ID of a pair's source to that of its target is this pair's alone. A list of users belongs to each of
# its pairs in part (`lists`). If an entry of several pairs has another change, or one of the primary key, by which the
# others know the record, it is taken back for all of its pairs at once, by the entry of the first of them. What only a
# trigger changed may be for any of them (`divided`).
ATTRIBUTE = """
WITH attributed AS (
    SELECT c.ctid AS place, c.what, c.undone, c.partners, c.differs, c.watched,
        array_remove(ARRAY[{own}]::integer[], NULL) AS own,
        array_remove(ARRAY[{others}]::integer[], NULL) AS others,
        array_remove(ARRAY[{lists}]::integer[], NULL) AS lists
    FROM {changes} AS c
    JOIN transfers_transferpair AS u ON u.id = c.undone
    CROSS JOIN LATERAL (SELECT {mapped} OFFSET 0) AS m
    WHERE c.partners IS NOT NULL
),
judged AS (
    SELECT *, what NOT IN ('moved', 'changed') OR {keys}::integer[] && differs
        OR cardinality(partners) > 1
            AND EXISTS (SELECT unnest(watched) EXCEPT SELECT unnest(own || others || lists)) AS is_joint
    FROM attributed
)
UPDATE {changes} AS c SET
    joint = CASE WHEN is_joint THEN judged.partners END,
    divided = CASE WHEN NOT is_joint THEN judged.partners END,
    lists = CASE WHEN is_joint THEN '{{}}' ELSE judged.lists END,
    differs = CASE
        WHEN NOT is_joint THEN ARRAY(SELECT unnest(judged.differs) EXCEPT SELECT unnest(judged.others))
        WHEN judged.undone = (SELECT min(p) FROM unnest(judged.partners) AS p) THEN judged.differs
        ELSE '{{}}'
    END,
    watched = CASE
        WHEN NOT is_joint THEN ARRAY(SELECT unnest(judged.watched) EXCEPT SELECT unnest(judged.others))
        WHEN judged.undone = (SELECT min(p) FROM unnest(judged.partners) AS p) THEN judged.watched
        ELSE '{{}}'
    END
FROM judged
WHERE judged.place = c.ctid
"""
# `held` is what the column stores of a user. If an attribute was changed since, the record is taken back jointly.
OWN = """
CASE WHEN {n} = ANY (c.watched)
    AND c.{b}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = u.source_id)
    AND c.{a}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = u.target_id)
THEN {n} END
"""
OTHERS = """
CASE WHEN {n} = ANY (c.watched) AND EXISTS (
    SELECT FROM transfers_transferpair AS p
    WHERE p.id = ANY (c.partners) AND p.id <> c.undone
        AND c.{b}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = p.source_id)
        AND c.{a}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = p.target_id)
) THEN {n} END
"""


# The list is what mapping the users of all pairs leaves, so it can be mapped for some of them only. If this pair has no
# part in it, it is that of others.
MAPPED = """
CASE WHEN {n} = ANY (c.watched) THEN {all}::text END AS {all_mapped},
CASE WHEN {n} = ANY (c.watched) THEN {without}::text END AS {without_mapped}
"""
LIST = """
CASE WHEN {n} = ANY (c.watched) AND m.{all_mapped} IS NOT DISTINCT FROM c.{a}::text
    AND m.{without_mapped} IS {what} c.{a}::text THEN {n} END
"""
HAS_PART, HAS_NO_PART = sql.SQL("DISTINCT FROM"), sql.SQL("NOT DISTINCT FROM")


def attribute_changes(entry: UndoneTable) -> sql.Composed:
    names = [names_of(entry, n) for n in range(len(entry.columns))]
    own = [sql.SQL(OWN).format(**of) for of in names]
    others = [sql.SQL(OTHERS).format(**of) for of in names]
    lists = [sql.SQL(LIST).format(what=HAS_PART, **names[n]) for n in entry.lists]
    others += [sql.SQL(LIST).format(what=HAS_NO_PART, **names[n]) for n in entry.lists]
    mapped = [sql.SQL(MAPPED).format(**names[n] | list_names(entry, n)) for n in entry.lists]
    keys = [number for number, name in enumerate(entry.columns) if name in entry.keys]
    return filled(
        ATTRIBUTE,
        keys=sql.Literal(keys),
        changes=entry.name("changes"),
        own=comma(own),
        others=comma(others),
        lists=comma(lists),
        mapped=comma(mapped),
    )


def names_of(entry: UndoneTable, number: int) -> dict[str, sql.Composable]:
    held = held_by_column(entry).get(entry.columns[number], "id")
    return {
        "n": sql.Literal(number),
        "b": sql.Identifier(f"b{number}"),
        "a": sql.Identifier(f"a{number}"),
        "held": sql.Identifier("held", held),
        "users": identifier(User),
        "all_mapped": sql.Identifier(f"all{number}"),
        "without_mapped": sql.Identifier(f"without{number}"),
    }


def list_names(entry: UndoneTable, number: int) -> dict[str, sql.Composable]:
    return {
        "all": mapped_list(entry, number, f"b{number}", sql.SQL("true")),
        "without": mapped_list(entry, number, f"b{number}", sql.SQL("x.id <> c.undone")),
    }


def held_by_column(entry: UndoneTable) -> dict[str, str]:
    """Return what each owner column of the table stores of a user: its ID or another attribute."""
    return {
        column_of(found.model, owner.field): owner.holds for found in entry.types for owner in found.owners
    }
