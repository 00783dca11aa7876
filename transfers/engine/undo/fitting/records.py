"""The records of a table as they will be, and those of them that stay as they are."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from transfers.engine.compiler.steps import comma, stored_name
from transfers.engine.stage import execute
from transfers.engine.undo.tables import UndoneTable


def restored_records(table: UndoneTable, *, updates: bool) -> Iterator[sql.Composed]:
    """Yield SELECTs of the records as they will be: those that are updated, and those that are inserted again."""
    if updates:
        overlaid = [overlaid_column(table, name) for name in table.table.columns]
        stored = [
            sql.SQL("t.{} AS {}").format(sql.Identifier(name), stored_name(table.table, name))
            for name in table.table.generated
        ]
        yield sql.SQL(
            "SELECT f.entry AS _entry, f.ctid AS _place, true AS _updated, t.tableoid AS _relation, t.ctid AS _row, {}"
            " FROM {} AS f JOIN {} AS t ON {}"
        ).format(comma(overlaid + stored), table.final, table.table.identifier, table.is_record("t", "f"))
    if table.deletions:
        kept = set(table.restorable)
        # Of the base type, because a domain may refuse NULL.
        columns = [
            sql.SQL("d.{0}" if name in kept else "NULL::{1} AS {0}").format(
                sql.Identifier(name), sql.SQL(table.table.base_types[name])
            )
            for name in table.table.columns
        ]
        stored = [
            sql.SQL("NULL::{} AS {}").format(
                sql.SQL(table.table.base_types[name]), stored_name(table.table, name)
            )
            for name in table.table.generated
        ]
        yield sql.SQL(
            'SELECT d."_entry" AS _entry, d.ctid AS _place, false AS _updated, NULL::oid AS _relation,'
            ' NULL::tid AS _row, {} FROM {} AS d WHERE d."_why" IS NULL AND d."_inserts"'
        ).format(comma(columns + stored), table.name("deleted"))


def overlaid_column(table: UndoneTable, name: str) -> sql.Composed:
    if name not in table.columns:
        return sql.SQL("t.{}").format(sql.Identifier(name))
    number = table.columns.index(name)
    return sql.SQL("CASE WHEN {} = ANY (f.differs) THEN f.{} ELSE t.{} END AS {}").format(
        sql.Literal(number), sql.Identifier(f"f{number}"), sql.Identifier(name), sql.Identifier(name)
    )


STAYS_CHANGED = """
UPDATE {changes} AS c SET why = {why}
FROM {final} AS f
WHERE f.ctid = ANY (%(places)s::tid[]) AND {same_record} AND c.why IS NULL AND c.differs <> '{{}}'
"""
STAYS_DELETED = """
UPDATE {deleted} SET "_why" = {why} WHERE ctid = ANY (%(places)s::tid[])
"""


def leave(table: UndoneTable, found: Iterable[tuple[str, bool]], why: str) -> None:
    """Note why records stay as they are. found: the place of each and whether it would be updated."""
    places: dict[bool, list[str]] = {True: [], False: []}
    for place, updated in found:
        places[updated].append(place)
    for updated, those in places.items():
        if those:
            statement = sql.SQL(STAYS_CHANGED if updated else STAYS_DELETED).format(
                changes=table.name("changes"),
                deleted=table.name("deleted"),
                final=table.final,
                same_record=table.same_record("f", "c"),
                why=sql.Literal(why),
            )
            execute(statement.as_string(None), {"places": those})
