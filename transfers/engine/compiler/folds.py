"""The SQL of each fold of `transfers.rules`: how the values of a column are combined.

`l` is a losing row, `f` the aggregate of all losing rows of one winner (for a profile: the source's row), `r` the row
that is kept. NULL counts as no value, so the other value is used.
"""

import re

from psycopg import sql

from transfers.engine.catalog.tables import Table
from transfers.rules import Concatenate, FillBlank, Fold, Max, Min, Or, Sum

INTEGER_RANGES = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
LENGTH = re.compile(r"character(?: varying)?\((\d+)\)")

AGGREGATES = {
    Sum: "sum(l.{column}{number}) AS {column}",
    Max: "max(l.{column}) AS {column}",
    Min: "min(l.{column}) AS {column}",
    Or: "bool_or(l.{column}) AS {column}",
    Concatenate: "string_agg(l.{column}, {separator} ORDER BY {order}) FILTER (WHERE l.{column} <> '') AS {column}",
    FillBlank: "(array_agg(l.{column} ORDER BY {order}) FILTER (WHERE nullif(l.{column}::text, '') IS NOT NULL))[1]"
    " AS {column}",
}
# Arrays of arrays have the elements of these, so the arrays are gathered as texts.
FILL_BLANK_ARRAY = (
    "((array_agg(l.{column}::text ORDER BY {order}) FILTER (WHERE l.{column} IS NOT NULL))[1])::{type}"
    " AS {column}"
)
VALUES = {
    Sum: "({sum})::{type}",
    Max: "greatest(r.{column}, f.{column})",
    Min: "least(r.{column}, f.{column})",
    Or: "coalesce(r.{column} OR f.{column}, r.{column}, f.{column})",
    # As text, because concat_ws() would keep the blanks with which character(n) is filled up.
    Concatenate: "CASE WHEN nullif(f.{column}, '') IS NULL THEN r.{column}"
    " ELSE left(concat_ws({separator}, nullif(r.{column}::text, ''), f.{column}::text), {length}) END",
    FillBlank: "CASE WHEN nullif(r.{column}::text, '') IS NULL THEN coalesce(f.{column}, r.{column})"
    " ELSE r.{column} END",
}
LONGEST_TEXT = 2**31 - 1


def aggregate(fold: Fold, column: str, table: Table, order: sql.Composable) -> sql.Composed:
    """Return the SQL that aggregates a column over the losing rows, under the column's name.

    `order`: the ORDER BY terms of the losing rows.
    """
    is_array = isinstance(fold, FillBlank) and table.base_types[column].endswith("[]")
    return sql.SQL(FILL_BLANK_ARRAY if is_array else AGGREGATES[type(fold)]).format(
        column=sql.Identifier(column),
        type=sql.SQL(table.columns[column]),
        number=as_number(table.base_types[column]),
        order=order,
        separator=sql.Literal(getattr(fold, "separator", "")),
    )


def value(fold: Fold, column: str, table: Table) -> sql.Composed:
    """Return the SQL of the column's new value in the row that is kept."""
    base_type = table.base_types[column]  # a domain has the range and the length of the type behind it
    return sql.SQL(VALUES[type(fold)]).format(
        column=sql.Identifier(column),
        type=sql.SQL(table.columns[column]),
        sum=saturating_sum(column, base_type),
        separator=sql.Literal(getattr(fold, "separator", "")),
        length=sql.Literal(length_of(base_type)),
    )


def saturating_sum(column: str, sql_type: str) -> sql.Composed:
    """Return the SQL of a sum that cannot overflow: it is computed as numeric and clamped to the column's range.

    Intervals are added directly: their limit of 178 million years is out of reach.
    """
    number, name = as_number(sql_type), sql.Identifier(column)
    total = sql.SQL("coalesce(r.{0}{1} + f.{0}{1}, r.{0}{1}, f.{0}{1})").format(name, number)
    if bounds := range_of(sql_type):
        low, high = (sql.SQL(bound) for bound in bounds)
        # NaN is larger than all numbers, and would become the largest.
        clamped = (
            "CASE WHEN {0} = 'NaN' THEN {0} WHEN {0} IS NOT NULL THEN least(greatest({0}, {1}), {2}) END"
        )
        total = sql.SQL(clamped).format(total, low, high)
    return total


def as_number(sql_type: str) -> sql.SQL:
    """Return the cast to the type in which values are added: as numeric, a floating-point number would lose digits."""
    if sql_type.startswith("interval"):
        return sql.SQL("")
    return sql.SQL("::double precision" if sql_type in ("real", "double precision") else "::numeric")


def range_of(sql_type: str) -> tuple[str, str] | None:
    """Return the smallest and the largest value of a type, or None if it is unbounded."""
    if sql_type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[sql_type]
        return str(low), str(high)
    if match := NUMERIC.fullmatch(sql_type):
        # A negative scale rounds to hundreds or thousands; one above the precision leaves only digits after zeros.
        largest = f"{'9' * int(match[1])}e{-int(match[2])}"
        return f"-{largest}", largest
    return None


def length_of(sql_type: str) -> int:
    """Return the maximum length of a text column in characters."""
    match = LENGTH.fullmatch(sql_type)
    return int(match[1]) if match else LONGEST_TEXT
