"""Which column says when a row was changed: a time, or a number of seconds since 1970 as some programs store it."""

from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from adopting.catalog.queries import LIMITS
from adopting.catalog.tables import Column, Table
from adopting.people.names import is_time_of_change, says_time
from adopting.people.sampling import from_sample
from adopting.people.standing import INTEGERS, plain

# 2000-01-01 to 2099-12-31: a number in this range is hardly a count or an ID, if all values of a column are.
FIRST, LAST = 946_684_800, 4_102_444_799
VALUES = """
WITH s AS MATERIALIZED {sample}
SELECT count(*), coalesce(bool_and(v BETWEEN {first} AND {last}), false),
    coalesce(bool_and(v BETWEEN {first}000 AND {last}000), false)
FROM (SELECT {column}::bigint AS v FROM s) AS values WHERE v <> 0
"""


@dataclass(frozen=True)
class Moment:
    """The column, and what was assumed of it, in words, or ""."""

    column: str
    assumed: str = ""


def time_of_change(table: Table) -> Moment | None:
    """Return the column with the time of the last change, or None."""
    named = [column for column in table.columns.values() if is_time_of_change(column.name)]
    for column in named:
        if is_time(column):
            return Moment(column.name)
    found = (seconds(table, column) for column in named if plain(column.base_type) in INTEGERS)
    return next((moment for moment in found if moment), None)


def is_time(column: Column) -> bool:
    base = plain(column.base_type)
    return base == "date" or base.startswith("timestamp ")


def seconds(table: Table, column: Column) -> Moment | None:
    """Return the column if its values are times, or if there are none and its name says so."""
    seen, in_seconds, in_milliseconds = sample(table, column)
    if seen and not (in_seconds or in_milliseconds):
        return None
    if not seen and not says_time(column.name):
        return None
    unit = "milliseconds" if in_milliseconds else "seconds"
    source = f"by its name and {seen} sampled values" if seen else "by its name only, without sampled values"
    return Moment(column.name, f"{column.name} is taken for a time in {unit} since 1970, {source}.")


def sample(table: Table, column: Column) -> tuple[int, bool, bool]:
    """Return the number of sampled values, and whether all are seconds, or milliseconds, since 1970."""
    if "SELECT" not in table.relation.rights or not table.relation.may_use_schema:
        return 0, False, False
    query = sql.SQL(VALUES).format(
        sample=from_sample(table, [column.name]),
        column=sql.Identifier(column.name),
        first=sql.Literal(FIRST),
        last=sql.Literal(LAST),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMITS)
            cursor.execute(query.as_string(None))
            seen, in_seconds, in_milliseconds = cursor.fetchone()
    except DatabaseError:
        return 0, False, False
    return int(seen), in_seconds, in_milliseconds
