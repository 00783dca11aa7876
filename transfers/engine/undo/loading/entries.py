"""Find the journal entries of the pairs to undo, and the tables in which they did something."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from transfers.engine.catalog.names import quoted
from transfers.engine.catalog.tables import Table, read_tables
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import sql_file
from transfers.engine.stage import execute, fetch
from transfers.engine.undo.loading.returning import tables_that_return
from transfers.engine.undo.loading.work_tables import create_work_tables
from transfers.engine.undo.tables import DELETED, NUMBERS, UNREADABLE, Group, UndonePair, UndoneTable
from transfers.registry import data_types
from transfers.rules import ArrayColumn, JsonPath, all_children

GROUPS = """
SELECT "table", what, key_columns, columns, assigned, max(id), bool_or(is_shared), bool_and(has_keys), "table" = ANY (
    ARRAY(SELECT to_regclass(quoted)::text FROM unnest(%(may_return)s::text[]) AS t (quoted))
)
FROM transfer_entry
WHERE pair <> 0
GROUP BY "table", what, key_columns, columns, assigned
ORDER BY "table", max(id)
"""
# In tables of which a batch can delete rows that another changed, all entries are kept if both happened.
KEEP_SHARED = """
DELETE FROM transfer_entry
WHERE pair = 0 OR NOT is_shared AND "table" NOT IN (
    SELECT "table" FROM transfer_entry
    WHERE pair <> 0
        AND "table" = ANY (ARRAY(SELECT to_regclass(quoted)::text FROM unnest(%(may_return)s::text[]) AS t (quoted)))
    GROUP BY "table"
    HAVING count(DISTINCT undone) > 1
        AND bool_or(what = ANY (%(deleted)s::text[])) AND bool_or(what <> ALL (%(deleted)s::text[]))
)
"""
# With the schema, so that no name of a query or of a temporary table hides a record table.
QUALIFIED = """
SELECT name, format('"%%s"."%%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""'))
FROM unnest(%(names)s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""
CANNOT = """
INSERT INTO transfer_conflict (pair, type, "table", key, n, why)
SELECT pair, type, "table", '', n, %(why)s FROM transfer_entry
WHERE pair <> 0 AND "table" = %(table)s AND what = %(what)s
    AND columns = %(columns)s::text[] AND key_columns = %(keys)s::text[]
"""


class Found(NamedTuple):
    """A group of entries and its table, by the table's name in the journal. `last` is the ID of the last entry."""

    table: str
    group: Group
    last: int
    is_shared: bool
    has_keys: bool
    may_return: bool


def load(pairs: Sequence[UndonePair], *, only_shared: bool = False) -> list[UndoneTable]:
    """Load the entries of these pairs with their rows, and return the tables in which they did something."""
    load_entries(pairs)
    return load_rows(only_shared=only_shared)


def load_rows(*, only_shared: bool = False) -> list[UndoneTable]:
    """Load the rows of the entries in transfer_entry, and return the tables in which the pairs did something.

    only_shared: leave out tables in which no row can be of several pairs, and otherwise entries without such rows.
    """
    may_return = tables_that_return()
    if only_shared:
        execute(KEEP_SHARED, {"may_return": may_return, "deleted": list(DELETED)})
    found = [
        Found(table, Group(what, tuple(keys), tuple(columns), assigned), *more)
        for table, what, keys, columns, assigned, *more in fetch(GROUPS, {"may_return": may_return})
    ]
    tables = tables_named({one.table for one in found})
    try:
        with transaction.atomic():
            return load_groups(found, tables)
    except UNREADABLE:
        return load_groups(found, tables, [one for one in found if not is_readable(one, tables)])


def load_groups(
    found: Iterable[Found], tables: Mapping[str, Table], unreadable: Collection[Found] = ()
) -> list[UndoneTable]:
    """Return the tables of these groups with their work tables. unreadable: those whose records no type can read."""
    undone: dict[str, UndoneTable] = {}
    for one in found:
        table = tables.get(one.table)
        entry = undone.setdefault(one.table, UndoneTable(one.table, table, next(NUMBERS))) if table else None
        why = "other columns" if one in unreadable else obstacle(table, one.group, has_keys=one.has_keys)
        if why:
            note_obstacle(one, why)
            if entry:
                entry.unreadable.append(one.group)
        elif entry:
            add_group(entry, one.group, one.last)
            entry.is_shared |= one.is_shared
            entry.may_return |= one.may_return
    note_types(undone.values())
    create_work_tables(list(undone.values()))
    return list(undone.values())


def is_readable(one: Found, tables: Mapping[str, Table]) -> bool:
    """Return whether the columns' types of today can read the group's records."""
    try:
        with transaction.atomic():
            load_groups([one], tables)
            transaction.set_rollback(True)
    except UNREADABLE:
        return False
    return True


def note_obstacle(one: Found, why: str) -> None:
    what, key_columns, columns, _ = one.group
    parameters = {
        "table": one.table,
        "what": what,
        "columns": list(columns),
        "keys": list(key_columns),
        "why": why,
    }
    execute(CANNOT, parameters)


def load_entries(pairs: Sequence[UndonePair]) -> None:
    execute(sql_file("undo/tables"))
    both_ids = [(pair.key, undone) for pair in pairs for undone in pair.undoes]
    columns = {"pairs": [key for key, _ in both_ids], "undone": [undone for _, undone in both_ids]}
    execute(sql_file("undo/load_pairs"), columns)
    execute("ANALYZE transfer_undone")
    execute(sql_file("undo/load_entries"), {"lists": tables_with_lists()})
    execute('ANALYZE transfer_entry (id, pair, undone, type, "table", what)')  # arrays take much longer


def tables_with_lists() -> list[str]:
    """Return the quoted names of the tables with lists of users."""
    found = (
        entry
        for entry in data_types()
        if any(isinstance(owner, ArrayColumn | JsonPath) for owner in entry.owners)
    )
    return [quoted(entry.model._meta.db_table) for entry in found]


def tables_named(names: Iterable[str]) -> dict[str, Table]:
    """Return the tables by their name in the journal; those that no longer exist are left out."""
    qualified = qualified_names(names)
    tables = read_tables(qualified.values())
    return {name: tables[full] for name, full in qualified.items() if full in tables}


def qualified_names(names: Iterable[str]) -> dict[str, str]:
    return dict(fetch(QUALIFIED, {"names": sorted(names)}))


def obstacle(table: Table | None, group: Group, *, has_keys: bool) -> str:
    """Return why the records of a group cannot be restored, as `UndoConflict.Why`, or ""."""
    if table is None or not set(group.columns) <= set(table.all_columns):
        return "other columns"
    if group.what in DELETED:
        is_known = set(table.key_columns) <= set(group.columns)
        return "" if is_known and not lacks_value(table, group) else "other columns"
    if not has_keys:
        return "no key"
    is_same = group.key_columns == table.key_columns and set(group.columns) <= set(table.columns)
    return "" if is_same else "other columns"


NOT_FILLED = """
SELECT EXISTS (
    SELECT FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = %(table)s::regclass AND a.attname = ANY (%(names)s)
        AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL
)
"""


def lacks_value(table: Table, group: Group) -> bool:
    """Return whether the table has a column now that must not be NULL, but which the journal and a default lack."""
    added = (table.required & set(table.columns)) - set(group.columns)
    return bool(added) and fetch(NOT_FILLED, {"table": table.regclass, "names": sorted(added)})[0][0]


def add_group(entry: UndoneTable, group: Group, last: int) -> None:
    if group.what in DELETED:
        entry.deletions.append(group)
        entry.last_entry = max(entry.last_entry, last)
    else:
        entry.changes.append(group)
        entry.columns += [name for name in group.columns if name not in entry.columns]


def note_types(undone: Iterable[UndoneTable]) -> None:
    """Note the data types of each table, and the columns that their rules change."""
    types = [(quoted(entry.model._meta.db_table), entry) for entry in data_types()]
    moving = [
        (quoted(model._meta.db_table), column_of(model, field))
        for _, entry in types
        for model, field in (
            *((entry.model, owner.field) for owner in entry.owners),
            *((child.model, child.field) for child in all_children(entry.children)),
        )
    ]
    qualified = qualified_names({name for name, _ in (*types, *moving)})
    for entry in undone:
        entry.types = [found for name, found in types if qualified.get(name) == entry.table.name]
        entry.moving = frozenset(column for name, column in moving if qualified.get(name) == entry.table.name)
        entry.summed = summed_columns(entry)


SUMMED = """
SELECT DISTINCT columns, summed FROM transfer_entry WHERE "table" = %(table)s AND what = 'folded' AND pair <> 0
"""


# Types whose values can be added. A column may have another one today.
ADDABLE = re.compile(r"smallint|integer|bigint|real|double precision|money|(numeric|interval)\b.*")


def summed_columns(entry: UndoneTable) -> frozenset[int]:
    """Return the numbers of the columns to which values were added, by whatever entry that folded any into them.

    The declaration may have changed since, and of another fold a part cannot be taken back alone.
    """
    if all(group.what != "folded" for group in entry.changes):
        return frozenset()
    found = fetch(SUMMED, {"table": entry.regclass})
    added = {name for _, summed in found for name in summed}
    otherwise = {name for columns, summed in found for name in set(columns) - set(summed)}
    return frozenset(
        number
        for number, name in enumerate(entry.columns)
        if name in added - otherwise and ADDABLE.fullmatch(entry.table.base_types[name])
    )
