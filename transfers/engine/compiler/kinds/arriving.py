"""How far the mapping of its owners brings a row to a unique key, by which rows are ordered that conflict there."""

from collections.abc import Collection

from psycopg import sql

from transfers.engine.catalog.tables import Key
from transfers.engine.compiler.requirements.parts_of_keys import in_quotes, mentions
from transfers.engine.compiler.steps import Names, aliased, order_names
from transfers.engine.compiler.subject import Subject

PAIRS = """
(
    SELECT count(*)::integer FROM transfer_work AS m
    WHERE m.type = {type} AND m.relation = r.tableoid AND m."row" = r.ctid AND m.outcome = 'moved' AND ({is_held})
)
"""
HELD = "EXISTS (SELECT FROM {stage} AS p WHERE p.pair = m.pair AND {holds_source})"


def arrival(subject: Subject, key: Key) -> Names:
    """Return what the mapping may change of a row in its keys, as it was before, and how much it changes for this one.

    That is 0 if the row had the values already. Otherwise it is the number of pairs and of columns with users that the
    key compares and that change, or 1: of two links, from a source and from its target, to a third user who is replaced
    too, less of the target's changes. It is there first if the pairs are transferred one after the other.
    """
    columns = [
        column
        for column in subject.mapped
        if any(mentions(part, subject.table, column) for part in key.expressions)
    ]
    parts = [
        part
        for part, expression in zip(key.compared, key.expressions, strict=True)
        if any(mentions(expression, subject.table, column) for column in columns)
    ]
    before = [key.predicate, *parts, *map(in_quotes, columns)]
    names = [f"_was{number}" for number in range(len(before))]
    changed = [
        sql.SQL("(({}) IS DISTINCT FROM {})").format(sql.SQL(part), sql.Identifier(name))
        for part, name in zip(before, names, strict=True)
    ]
    primary_key = subject.table.primary_key or ("r.tableoid", "r.ctid")
    of_key, of_columns = changed[: len(parts) + 1], changed[len(parts) + 1 :]
    steps = [sql.SQL("_pairs"), *(sql.SQL("{}::integer").format(one) for one in of_columns)]
    return {
        "was": aliased([*before, *primary_key], [*names, *order_names(subject.table)]),
        "pairs": pairs_of(subject, columns),
        "arrives": sql.SQL("CASE WHEN {} THEN greatest(1, {}) ELSE 0 END").format(
            sql.SQL(" OR ").join(of_key), sql.SQL(" + ").join(steps)
        ),
    }


def pairs_of(subject: Subject, columns: Collection[str]) -> sql.Composable:
    """Return the number of pairs whose source row `r` holds in an owner of these columns.

    Of one user it is enough to know whether the column changes.
    """
    owners = [owner for owner in subject.owners if owner.column in columns]
    if len(owners) == len(subject.owners):
        return sql.SQL("w.pairs")
    if not owners or (len(owners) == 1 and owners[0].is_scalar):
        return sql.SQL("1")
    held = (sql.SQL(HELD).format(**subject.owner_names(owner)) for owner in owners)
    return sql.SQL(PAIRS).format(is_held=sql.SQL(" OR ").join(held), **subject.names)
