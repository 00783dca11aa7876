"""Verification of an undo before its batch is committed: what was to be restored is read again and compared."""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import sql

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.compiler.steps import as_text, comma
from transfers.engine.stage import fetch_union
from transfers.engine.undo.belonging import given_by_triggers
from transfers.engine.undo.tables import UndoneTable, both, filled
from transfers.engine.undo.writing.restoring import Written, not_as_they_were
from transfers.engine.verification.database import (
    Before,
    check_files,
    check_settings,
    check_written,
    fire_deferred,
)
from transfers.engine.verification.mismatch import UPDATE, mismatch

NOT_AS_BEFORE = """
SELECT {place}, true, count(*) FROM {final} AS f LEFT JOIN {table} AS t ON {is_record}
WHERE t.{first_key} IS NULL OR NOT {is_restored}
"""
# Most records are equal byte for byte, which is much quicker to see than that their texts are equal. The work table has
# no domains, so the columns are compared as their base types.
NOT_THERE = """
SELECT {place}, {is_update}, count(*) FROM {source} AS d LEFT JOIN {table} AS t ON {is_record}
WHERE {was_written} AND (
    ROW({there})::record *<> ROW({wanted})::record AND ROW({there})::text IS DISTINCT FROM ROW({wanted})::text
    OR NOT {is_stamped}
)
"""


def check_restored(
    tables: Sequence[UndoneTable], written: Written, before: Before, plans: Iterable[CompiledPlan]
) -> None:
    """Raise `TotalsMismatch` if a row is not as it was, or if anything else was written.

    plans: those of all data types, in whose tables nothing else may be written.
    """
    fire_deferred()
    check_settings(before.settings)
    for place, is_update, number in fetch_union(comparisons(tables)):
        table = tables[place]
        if number and is_update:
            message = f"{number:,} records of {table.regclass} do not have the values that were restored."
            raise mismatch("", message, UPDATE, table.regclass)
        if number:
            raise not_as_they_were(table, number, tables)
    ours = {table.regclass for table in tables}.union(*(plan.regclass.values() for plan in plans))
    check_written(before.counted, written, ours)
    check_files(before.files)


def comparisons(tables: Sequence[UndoneTable]) -> Iterator[str]:
    """Yield the queries of how many records differ: the place of the table, whether they were updated, the number.

    Without a primary key, inserted records cannot be found again.
    """
    for place, table in enumerate(tables):
        if table.changes:
            yield as_text(not_as_before(table, place))
        if table.deletions and table.keys:
            inserted = sql.SQL('d."_why" IS NULL AND d."_inserts"')
            yield as_text(
                not_there(table, place, table.name("deleted"), table.kept, inserted, is_update=False)
            )
        if table.may_move:
            moved = sql.SQL('t.tableoid IS DISTINCT FROM d."_relation"')
            columns = list(table.table.columns)
            yield as_text(not_there(table, place, table.name("noted"), columns, moved, is_update=True))
        if given := given_by_triggers(table):
            updated = sql.SQL("true")
            yield as_text(not_there(table, place, table.name("noted"), given, updated, is_update=True))


def not_as_before(table: UndoneTable, place: int) -> sql.Composed:
    """Return the query of the records that were updated and are not as before.

    A column that only a trigger changed is compared unless a BEFORE UPDATE trigger may have changed it again.
    """
    compared = sql.Identifier("watched" if table.table.before_update else "differs")
    restored = both(
        sql.SQL("({0} <> ALL (f.{3}) OR t.{1}::text IS NOT DISTINCT FROM f.{2}::text)").format(
            sql.Literal(n), sql.Identifier(name), sql.Identifier(f"f{n}"), compared
        )
        for n, name in enumerate(table.columns)
    )
    return filled(
        NOT_AS_BEFORE,
        place=sql.Literal(place),
        final=table.final,
        table=table.table.identifier,
        is_record=table.has_restored_key("t", "f"),
        first_key=sql.Identifier(table.keys[0]),
        is_restored=restored,
    )


def not_there(
    table: UndoneTable,
    place: int,
    source: sql.Identifier,
    columns: Sequence[str],
    was_written: sql.SQL,
    *,
    is_update: bool,
) -> sql.Composed:
    """Return the query of the records that were written and are not as before, except for what a trigger stamps.

    source: the work table `d` of the records. is_update: they were there.
    """
    sources = table.table.sources
    names = [name for name in columns if table.stamped.keys().isdisjoint({name, *sources.get(name, ())})]
    stamped = {name: table.stamped[name] for name in columns if name in table.stamped}
    return filled(
        NOT_THERE,
        place=sql.Literal(place),
        is_update=sql.Literal(is_update),
        source=source,
        was_written=was_written,
        table=table.table.identifier,
        is_record=table.is_deleted("t", "d"),
        there=comma(
            sql.SQL("t.{}::{}").format(sql.Identifier(name), sql.SQL(table.table.base_types[name]))
            for name in names
        ),
        wanted=comma(sql.SQL("d.{}").format(sql.Identifier(name)) for name in names),
        is_stamped=both(
            [
                sql.SQL("({1} OR t.{0}::text IS NOT DISTINCT FROM d.{0}::text) IS TRUE").format(
                    sql.Identifier(name), has_stamp
                )
                for name, has_stamp in stamped.items()
            ]
            or [sql.SQL("true")]
        ),
    )
