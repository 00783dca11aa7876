"""The parts of a statement that say what it did: to the journal, and for verification.

Every statement that changes records has a CTE `done` with one row per record and pair; `entries` writes it to the
journal, and the counts of the pair are taken from what was written there (docs/decisions/journal.md).
"""

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from transfers.engine.catalog.tables import Table
from transfers.engine.compiler.steps import Names, comma, fill
from transfers.models.journal_entry import ROWS_PER_ENTRY

NONE = sql.SQL("'{}'::text[]")
# Of rows that belong to users of several pairs: the pairs, for each row.
PARTNERS = sql.SQL("CASE WHEN count(partners) > 0 THEN array_agg(partners) ELSE '{}' END")
KEYS_KEPT = sql.SQL("CASE WHEN count(key) > 0 THEN array_agg(key) ELSE '{}' END")
# A row with more than this counts as several rows of an entry, so that no entry has more than about 100 MB.
BYTES_PER_ROW = 200_000
# Types whose values need no quotation marks in a record, so that the record can be made in the faster way.
UNQUOTED = ("smallint", "integer", "bigint", "uuid")


def entries(
    table: Table, names: Names, what: sql.Composable, parts: Names, groups: str = "", size: str = ""
) -> Names:
    """Return the placeholder value for `parts/entries`. `parts` are those of its placeholders that are not empty.

    what: an SQL expression. groups: the columns of `done`, other than `pair`, by which entries must differ. size: the
    bytes that are kept of a row, as SQL.
    """
    weight = sql.SQL("1 + ({}) / {}").format(sql.SQL(size), sql.Literal(BYTES_PER_ROW))
    empty: Names = dict.fromkeys(
        ("key_columns", "keys", "columns", "before", "after", "summed", "partners"), NONE
    )
    empty["assigned"] = sql.Literal(0)
    filled = fill(
        "parts/entries",
        type=names["type"],
        table_name=sql.Literal(table.regclass),
        what=what,
        further_groups=sql.SQL(groups),
        rows_per_entry=sql.Literal(ROWS_PER_ENTRY),
        weight=weight if size else sql.Literal(1),
        **empty | parts,
    )
    return {"entries": filled}


def deleted(
    table: Table, names: Names, deleted_type: sql.Composable, what: str = "", *, keys: sql.Composable = NONE
) -> Names:
    """Return the parts of a statement that deletes rows: the journal keeps each as it was.

    deleted_type: the type under which the rows are counted, which for child rows is that of their branch. what: the
    reason, if it is not in a column `what` of `done`. keys: those of the rows to which they lost.
    """
    counted = fill("parts/deleted", deleted_type=deleted_type)
    reason, groups = (sql.Literal(what), "") if what else (sql.SQL("what"), ", what")
    parts = {
        "columns": texts(table.all_columns),
        "before": sql.SQL("array_agg(before)"),
        "keys": keys,
        "partners": PARTNERS,
    }
    whole = entries(table, names, reason, parts, groups, size="octet_length(before)")
    return {"counted": counted, "deleted_type": deleted_type, **whole}


def discarded(
    table: Table, names: Names, deleted_type: sql.Composable, what: str = "", *, names_winner: bool
) -> Names:
    """Return the further parts of the statement `discard`, see `deleted`.

    names_winner: keep the key of the row to which each lost, if any.
    """
    if not names_winner or not table.primary_key:
        return {
            "kept_key": sql.SQL("NULL::text"),
            "with_kept": sql.SQL(""),
            **deleted(table, names, deleted_type, what),
        }
    kept = sql.SQL(" LEFT JOIN {} AS kept ON kept.tableoid = w.winner_relation AND kept.ctid = w.winner")
    return {
        "kept_key": sql.SQL("min({})").format(key(table, "kept")),
        "with_kept": kept.format(table.identifier),
        **deleted(table, names, deleted_type, what, keys=KEYS_KEPT),
    }


def moved(table: Table, names: Names, column: str) -> Names:
    """Return the parts of a statement that moves rows of one owner and changes nothing else. column: the owner's."""
    both: Names = {
        what: sql.SQL("ARRAY[ROW({}::{})::text]").format(sql.SQL(user), sql.SQL(table.columns[column]))
        for what, user in (("before", "source"), ("after", "target"))
    }
    parts = {"columns": texts([column]), "assigned": sql.Literal(1), **keys(table), **both}
    written = entries(table, names, sql.Literal("moved"), parts, ", source, target")
    return {"key": key(table, "r"), **updated(table, names, "done"), **written}


def changed(
    table: Table,
    names: Names,
    what: str,
    values: dict[str, sql.Composed],
    owners: Iterable[str] = (),
    *,
    summed: Iterable[str] = (),
    exactly: bool = False,
) -> Names:
    """Return the parts of a statement that changes columns of rows, whose old values are those of alias `r`.

    what: how the journal calls the change. values: the new value by column. If a trigger may change further columns,
    the journal keeps them too, after those. owners: columns that are not written and that no trigger may change either.
    summed: the columns to whose values others are added.
    exactly: the values are of other columns, and a type that cuts or rounds one makes another value of it.
    """
    kept = [*values]
    stays: list[str] = []
    if table.has_update_triggers:
        kept += [column for column in table.columns if column not in values]
        stays = list(dict.fromkeys(column for column in owners if column not in values))
    new = {column: f"_n{number}" for number, column in enumerate(values)}
    old = {column: f"_o{number}" for number, column in enumerate(stays)}
    exact = {column: f"_e{number}" for number, column in enumerate(values)} if exactly else {}
    is_exact = [fill_both("t.{} = new.{}", column, name) for column, name in exact.items()]
    written = fill(
        "parts/written",
        table=table.identifier,
        assignments=comma(fill_both("{} = new.{}", column, name) for column, name in new.items()),
        key=key(table, "t"),
        after=record("t", kept),
        assigned=comma([columns_of("t", [*values, *stays]), *is_exact]),
        intended=comma([columns_of("new", [*new.values(), *old.values()]), *[sql.SQL("true")] * len(exact)]),
    )
    both: Names = {
        "before": sql.SQL("array_agg(before)"),
        "after": sql.SQL("array_agg(after)"),
        "assigned": sql.Literal(len(values)),
        "summed": texts(summed),
        "partners": PARTNERS,
    }
    return {
        "written": written,
        "new_places": fill("parts/new_places"),
        **updated(table, names, "written"),
        "unintended": fill("parts/unintended", type=names["type"], intended=columns_of("new", new.values())),
        "before_values": record("r", kept),
        "new_values": comma([*new_columns(table, new, values, exact), *old_columns(old), old_values(values)]),
        **entries(
            table,
            names,
            sql.Literal(what),
            {"columns": texts(kept), **keys(table), **both},
            size="octet_length(before) + octet_length(after)",
        ),
    }


def new_columns(
    table: Table, names: Mapping[str, str], values: Mapping[str, sql.Composed], exact: Mapping[str, str]
) -> Iterator[sql.Composed]:
    """Yield the new values in the types of their columns, and under the names of `exact` those that are not cast."""
    for column, value in values.items():
        yield sql.SQL("({})::{} AS {}").format(
            value, sql.SQL(table.columns[column]), sql.Identifier(names[column])
        )
        if column in exact:
            yield sql.SQL("{} AS {}").format(value, sql.Identifier(exact[column]))


def old_columns(names: Mapping[str, str]) -> Iterator[sql.Composed]:
    return (fill_both("r.{} AS {}", column, name) for column, name in names.items())


def fill_both(template: str, one: str, other: str) -> sql.Composed:
    return sql.SQL(template).format(sql.Identifier(one), sql.Identifier(other))


def old_values(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL("{} AS old_values").format(record("r", columns))


def updated(table: Table, names: Names, rows: str) -> Names:
    """rows: the CTE that returns each updated row once."""
    relation = sql.Literal(table.regclass)
    return {"updated": fill("parts/updated", type=names["type"], relation=relation, rows=sql.SQL(rows))}


def keys(table: Table) -> Names:
    if not table.primary_key:
        return {}
    return {"key_columns": texts(table.key_columns), "keys": sql.SQL("array_agg(key)")}


def key(table: Table, alias: str) -> sql.Composable:
    """Return the text of a row's primary key, as a record; NULL if the table has none."""
    if not table.primary_key:
        return sql.SQL("NULL::text")
    if len(table.key_columns) == 1 and table.base_types[table.key_columns[0]] in UNQUOTED:
        return sql.SQL("'(' || {} || ')'").format(columns_of(alias, table.key_columns))
    return record(alias, table.key_columns)


def record(alias: str, columns: Iterable[str]) -> sql.Composed:
    return sql.SQL("ROW({})::text").format(columns_of(alias, columns))


def columns_of(alias: str, columns: Iterable[str]) -> sql.Composed:
    return comma(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(column)) for column in columns)


def texts(names: Iterable[str]) -> sql.Composed:
    return sql.SQL("{}::text[]").format(sql.Literal(list(names)))
