"""How two values of a column become one: the SQL of each fold of `transfers.rules`.

`l` is a losing row, `f` the aggregate of all losing rows of one winner, `r` the row that is kept.
"""

from psycopg import sql

from transfers.rules import Fold, Max, Sum

INTEGER_RANGES = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def aggregate(fold: Fold, column: str) -> sql.Composed:
    """The values of the losing rows put together, under the column's own name."""
    template = {
        Sum: "sum(l.{column}::numeric) AS {column}",
        Max: "max(l.{column}) AS {column}",
    }[type(fold)]
    return sql.SQL(template).format(column=sql.Identifier(column))


def assignment(fold: Fold, column: str, sql_type: str) -> sql.Composed:
    """The kept row's new value; NULL counts as "no value" and never swallows the other one."""
    template = {Sum: "{column} = {sum}", Max: "{column} = greatest(r.{column}, f.{column})"}[type(fold)]
    return sql.SQL(template).format(column=sql.Identifier(column), sum=saturating_sum(column, sql_type))


def saturating_sum(column: str, sql_type: str) -> sql.Composed:
    """The sum in numeric, cut off at the ends of the column's range, so that it can never overflow."""
    total = sql.SQL("coalesce(r.{0}::numeric + f.{0}, r.{0}::numeric, f.{0})").format(sql.Identifier(column))
    if sql_type in INTEGER_RANGES:
        low, high = (sql.Literal(bound) for bound in INTEGER_RANGES[sql_type])
        total = sql.SQL("CASE WHEN {0} IS NOT NULL THEN least(greatest({0}, {1}), {2}) END").format(
            total, low, high
        )
    return sql.SQL("({0})::{1}").format(total, sql.SQL(sql_type))
