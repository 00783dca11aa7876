"""The stage: a batch of pairs in temporary tables, and the compiled plans run over it."""

import logging
import time
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection
from psycopg import sql

from accounts.models import User
from transfers.engine.catalog import read_tables
from transfers.engine.compile import Plan, compile_plan, tables_of
from transfers.engine.steps import Step, fill, sql_file
from transfers.registry import data_types, held_attributes

log = logging.getLogger(__name__)


class StagedPair(NamedTuple):
    """One pair on the stage. `key` is any number that tells the pairs of a batch apart."""

    key: int
    source_id: int
    target_id: int


class MissingTable(Exception):
    """A data type whose table is not in the database."""


def compile_plans() -> list[Plan]:
    """The plans of all data types for the tables as they are now; two queries."""
    wanted = {name: entry for entry in data_types() for name in tables_of(entry)}
    tables = read_tables(wanted)
    for name, entry in wanted.items():
        if name not in tables:
            raise MissingTable(f"The table {name} of {entry.name} is not in the database.")
    return [compile_plan(entry, tables) for entry in data_types()]


def set_stage(pairs: Iterable[StagedPair]) -> None:
    """Empty the stage and put these pairs on it; a fixed number of statements."""
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], [], []]
    users = sql.Identifier(User._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(sql_file("stage_tables"))
        cursor.execute(sql_file("stage_pairs"), columns)
        for attribute in held_attributes():
            names = {"attribute": sql.Identifier(attribute), "holds": sql.Literal(attribute)}
            cursor.execute(text(fill("stage_attribute", users=users, **names)))
        cursor.execute("ANALYZE transfer_stage")


def perform(steps: Iterable[Step], transfer_id: int | None = None) -> None:
    """Execute compiled steps in order; one log line each."""
    with connection.cursor() as cursor:
        for step in steps:
            began = time.monotonic()
            cursor.execute(text(step.statement), {"transfer": transfer_id})
            took = (time.monotonic() - began) * 1000
            log.debug("transfer=%s step=%s rows=%s ms=%.0f", transfer_id, step.name, cursor.rowcount, took)


def text(statement: sql.Composed) -> str:
    return statement.as_string(connection.connection)


# type -> what -> rows
Counts = dict[str, dict[str, int]]

TALLY = """
SELECT pair, type, what, sum(n)::bigint FROM transfer_tally GROUP BY pair, type, what
"""


def read_tally() -> dict[int, Counts]:
    """The counts of the batch, per pair: `{pair: {"workforce.agentschedule": {"source": 90, "moved": 90, …}}}`.

    Numbers that are zero are left out.
    """
    counts: dict[int, Counts] = {}
    with connection.cursor() as cursor:
        cursor.execute(TALLY)
        for pair, data_type, what, n in cursor.fetchall():
            counts.setdefault(pair, {}).setdefault(data_type, {})[what] = n
    return counts
