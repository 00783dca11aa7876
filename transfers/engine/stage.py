"""The stage: a batch of pairs in temporary tables, and the compiled plans run over it."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import connection
from psycopg import sql

from accounts.models import User
from transfers.engine.catalog import Table, read_tables
from transfers.engine.compile import Plan, compile_plan, tables_of
from transfers.engine.steps import Step, as_text, fill, sql_file
from transfers.registry import data_types, held_attributes
from transfers.rules import DataType, keeping_target

log = logging.getLogger(__name__)


class StagedPair(NamedTuple):
    """One pair on the stage. `key` is any number that tells the pairs of a batch apart."""

    key: int
    source_id: int
    target_id: int


class MissingTable(Exception):
    """A data type whose table is not in the database."""


class BeyondTheWall(Exception):
    """A user of a pair is not of the transfer's tenant, as far as the database shows them."""


def compile_plans(*, keep_target: bool = False) -> list[Plan]:
    """The plans of all data types for the tables as they are now; two queries.

    keep_target: late arrivals are moved, and nothing that the target has is overwritten.
    """
    entries = [keeping_target(entry) if keep_target else entry for entry in data_types()]
    wanted = {name: entry for entry in entries for name in tables_of(entry)}
    tables = read_tables(wanted)
    for name, entry in wanted.items():
        if name not in tables:
            raise MissingTable(f"The table {name} of {entry.name} is not in the database.")
    return [remembered_plan(entry, tables) for entry in entries]


# By the type and the word of its rule, because late arrivals of a type may have another rule.
remembered: dict[tuple[str, str], tuple[dict[str, Table], Plan]] = {}


def remembered_plan(entry: DataType, tables: Mapping[str, Table]) -> Plan:
    """The plan that was compiled before, as long as its tables are as they were then."""
    own = {name: tables[name] for name in tables_of(entry)}
    name = entry.key, entry.rule.word
    if name not in remembered or remembered[name][0] != own:
        remembered[name] = own, compile_plan(entry, tables)
    return remembered[name][1]


def go_by_owner() -> None:
    """Until the end of the transaction, find rows by the indexes that the owners lead.

    The planner does not know that they are in memory, and would rather read a table of some hundred thousand rows from
    end to end, for each chunk anew. What a chunk costs must depend on its own rows and not on everybody's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def set_stage(pairs: Iterable[StagedPair]) -> int:
    """Empty the stage and put these pairs on it; a fixed number of statements.

    How many there are: a pair with a user whom the wall between the tenants hides is left out.
    """
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], [], []]
    users = sql.Identifier(User._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(sql_file("stage_tables"))
        cursor.execute(as_text(fill("stage_pairs", users=users)), columns)
        staged = cursor.rowcount
        for attribute in held_attributes():
            names = {"attribute": sql.Identifier(attribute), "holds": sql.Literal(attribute)}
            cursor.execute(as_text(fill("stage_attribute", users=users, **names)))
        cursor.execute("ANALYZE transfer_stage")
    return int(staged)


def count_before(plans: Iterable[Plan]) -> None:
    """Counts the rows of sources and targets of every type, in one statement."""
    counts = " UNION ALL ".join(plan.counts for plan in plans if plan.counts)
    if counts:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO transfer_tally (pair, type, what, n) {counts}")


def perform(steps: Iterable[Step], transfer_id: int | None = None) -> None:
    """Execute compiled steps in order; one log line each.

    They take no parameters, because an index's own expressions stand in them and may hold a percent sign.
    """
    with connection.cursor() as cursor:
        for step in steps:
            began = time.monotonic()
            cursor.execute(step.statement)
            took = (time.monotonic() - began) * 1000
            log.debug("transfer=%s step=%s rows=%s ms=%.0f", transfer_id, step.name, cursor.rowcount, took)


def perform_at_once(steps: Iterable[Step]) -> None:
    """Execute compiled steps in order, sent to the server together: one answer is waited for instead of a hundred."""
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(step.statement for step in steps))


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
