"""Decide which of several pairs a change of a shared record belongs to."""

from psycopg import sql

from accounts.models import User
from transfers.engine.catalog.names import identifier
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import comma
from transfers.engine.undo.tables import UndoneTable, is_of_table, run
from transfers.registry import data_types

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
# `held` is what the column stores of a user. If an attribute was changed since, the record is taken back jointly.
OWN = """
CASE WHEN {n} = ANY (c.watched)
    AND c.{b}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = u.source)
    AND c.{a}::text = (SELECT {held}::text FROM {users} AS held WHERE held.id = u.target)
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


def attribute_changes(entry: UndoneTable) -> None:
    def of_columns(template: str) -> sql.Composed:
        return comma(
            sql.SQL(template).format(
                n=sql.Literal(n),
                b=sql.Identifier(f"b{n}"),
                a=sql.Identifier(f"a{n}"),
                held=sql.Identifier("held", held.get(name, "id")),
                users=identifier(User),
            )
            for n, name in enumerate(entry.columns)
        )

    held = held_by_column(entry)
    run(ATTRIBUTE, changes=entry.name("changes"), own=of_columns(OWN), others=of_columns(OTHERS))


def held_by_column(entry: UndoneTable) -> dict[str, str]:
    """Return what each owner column of the table stores of a user: its ID or another attribute."""
    types = (found for found in data_types() if is_of_table(found, entry.table))
    return {column_of(found.model, owner.field): owner.holds for found in types for owner in found.owners}
