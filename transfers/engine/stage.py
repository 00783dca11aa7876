"""The stage: temporary tables that hold a batch of pairs, on which the compiled plans run."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from psycopg import sql

from accounts.models import User
from tenancy.context import all_tenants_context
from transfers.engine.catalog.names import identifier, parts_of, quoted
from transfers.engine.catalog.tables import Table, read_tables
from transfers.engine.compiler.plans import CompiledPlan, compile_plan, tables_of
from transfers.engine.compiler.requirements.keys import conflicts_are_decided
from transfers.engine.compiler.steps import Step, as_text, fill, sql_file
from transfers.registry import data_types, held_attributes, looks_beyond_tenants
from transfers.rules import DataType, keeping_target

log = logging.getLogger(__name__)


class StagedPair(NamedTuple):
    """A pair to stage. `key` is any number that is unique within the batch."""

    key: int
    source_id: int
    target_id: int


class MissingTable(Exception):
    """The table of a data type does not exist in the database."""


class OutsideTenant(Exception):
    """Row-level security hides a user of a pair from the transfer's tenant."""


def compile_plans(*, keep_target: bool = False) -> list[CompiledPlan]:
    """Return the plans of all data types, compiled for the tables as they are now. Takes two queries.

    keep_target: compile for late arrivals (records added after the first transfer): types that are normally overwritten
    are combined.
    """
    entries = [keeping_target(entry) if keep_target else entry for entry in data_types()]
    wanted = {name: entry for entry in entries for name in tables_of(entry)}
    tables = read_tables(wanted)
    for name, entry in wanted.items():
        if name not in tables:
            raise MissingTable(
                f"{entry.name}: the table {name} does not exist, or a temporary table hides it. Run manage.py migrate,"
                " or create it."
            )
    return [cached_plan(entry, tables) for entry in entries]


LOCKABLE = """
SELECT name FROM unnest(%(names)s::text[], %(quoted)s::text[]) AS t (name, quoted)
JOIN pg_class AS c ON c.oid = to_regclass(t.quoted) AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
WHERE has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
ORDER BY 1
"""


def lock_tables() -> None:
    """Let nobody alter the tables of the data types until the end of the transaction: it is compiled for them.

    This waits for whoever is altering one. Rows can still be read and written.
    """
    names = sorted({name for entry in data_types() for name in tables_of(entry)})
    found = fetch(LOCKABLE, {"names": names, "quoted": [quoted(name) for name in names]})
    if found:
        tables = sql.SQL(", ").join(sql.Identifier(*parts_of(name)) for (name,) in found)
        execute(as_text(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(tables)))


# Maps (type key, rule) to the compiled plan, and what it was compiled for. Late arrivals of a type may follow another
# rule than its other records.
plan_cache: dict[tuple[str, str], tuple[DataType, dict[str, Table], CompiledPlan]] = {}


def cached_plan(entry: DataType, tables: Mapping[str, Table]) -> CompiledPlan:
    """Return the cached plan, compiled again if its declaration or one of its tables has changed."""
    own = {name: tables[name] for name in tables_of(entry)}
    name = entry.key, entry.rule.word
    if name not in plan_cache or plan_cache[name][:2] != (entry, own):
        conflicts_are_decided(entry, tables[entry.model._meta.db_table])
        plan_cache[name] = entry, own, compile_plan(entry, tables)
    return plan_cache[name][2]


def disable_seqscan() -> None:
    """Make the planner use the indexes on the owner columns until the end of the transaction.

    The planner does not know that these indexes are in memory, and for every chunk it prefers a sequential scan of a
    table with a few hundred thousand rows. The cost of a chunk must depend on its own rows, not on the size of the
    table.
    """
    execute("SET LOCAL enable_seqscan = off")


SET = """
SELECT set_config(name, value, true) FROM unnest(%(names)s::text[], %(values)s::text[]) AS given (name, value)
"""


def apply_session_settings() -> None:
    """Set the custom settings that triggers of other systems read (TRANSFER_SESSION_SETTINGS) for this transaction."""
    given: dict[str, str] = settings.TRANSFER_SESSION_SETTINGS
    if given:
        execute(SET, {"names": list(given), "values": list(given.values())})


PREPARE_JOURNAL = """
SELECT set_config('transfers.transfer', %(transfer)s::text, true), set_config('datestyle', 'ISO', true),
    set_config('intervalstyle', 'postgres', true), set_config('timezone', 'UTC', true),
    set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true),
    set_config('lc_monetary', 'C', true), set_config('xmloption', 'content', true)
"""


def prepare_journal(transfer_id: int) -> None:
    """Set, for this transaction, the transfer of the journal's entries and how values are printed and read there."""
    execute(PREPARE_JOURNAL, {"transfer": transfer_id})


def set_stage(pairs: Iterable[StagedPair]) -> int:
    """Replace the staged pairs, in a fixed number of statements, and return how many were staged.

    Row-level security leaves out pairs with a user of another tenant.
    """
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], [], []]
    users = identifier(User)
    with connection.cursor() as cursor:
        cursor.execute(sql_file("stage_tables"))
        cursor.execute(as_text(fill("stage_pairs", users=users)), columns)
        staged = cursor.rowcount
        for attribute in held_attributes():
            cursor.execute(as_text(stage_attribute(attribute, users)))
        cursor.execute("ANALYZE transfer_stage, transfer_stage_attribute")
        if looks_beyond_tenants():
            with all_tenants_context():
                cursor.execute(as_text(fill("stage_shared", users=users)))
    return int(staged)


def stage_attribute(attribute: str, users: sql.Composable) -> sql.Composed:
    values = {
        f"{role}_values": fill("parts/as_values", text=sql.SQL("{}.{}::text").format(sql.SQL(alias), name))
        for name in [sql.Identifier(attribute)]
        for role, alias in (("source", "s"), ("target", "t"))
    }
    names = {"attribute": sql.Identifier(attribute), "holds": sql.Literal(attribute)}
    return fill("stage_attribute", users=users, **names, **values)


SOURCES = "SELECT DISTINCT type FROM transfer_tally WHERE what = 'source'"


def with_source_rows(plans: Sequence[CompiledPlan]) -> list[CompiledPlan]:
    """Count the rows of sources and targets, and return the plans that have something to do.

    Takes two statements. A type without rows of a source is not changed; verification looks for such rows again. The
    rows of a profile are not counted, so its plan is always returned.
    """
    counts = union_all(plan.totals.counts for plan in plans)
    if not counts:
        return list(plans)
    execute(f"INSERT INTO transfer_tally (pair, type, what, n) {counts}")
    found = {data_type for (data_type,) in fetch(SOURCES)}
    return [plan for plan in plans if not plan.totals.counts or plan.data_type.key in found]


# --- Statements ------------------------------------------------------------------------------------------------------


def execute(statement: str, parameters: Mapping[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def fetch(statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def fetch_union(selects: Iterable[str]) -> list[tuple]:
    """Execute all non-empty SELECTs in one statement, and return their rows."""
    statement = union_all(selects)
    return fetch(statement) if statement else []


def union_all(selects: Iterable[str]) -> str:
    return " UNION ALL ".join(filter(None, selects))


def perform(steps: Iterable[Step], transfer_id: int | None = None) -> None:
    """Execute compiled steps in order, with one log line each.

    No query parameters are passed, because the SQL contains index expressions, in which a percent sign may occur.
    """
    with connection.cursor() as cursor:
        for step in steps:
            began = time.monotonic()
            cursor.execute(step.statement)
            took = (time.monotonic() - began) * 1000
            log.debug("transfer=%s step=%s rows=%s ms=%.0f", transfer_id, step.name, cursor.rowcount, took)


def perform_at_once(steps: Iterable[Step]) -> None:
    """Execute compiled steps in order, sent together in one round trip instead of about a hundred."""
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(step.statement for step in steps))


# data type key -> outcome, such as "moved" -> number of rows
Counts = dict[str, dict[str, int]]


def read_tally() -> dict[int, Counts]:
    """Return the counts of the batch by pair; zeros are left out.

    The form is `{pair: {"workforce.agentschedule": {"source": 90, "moved": 90, …}}}`.
    """
    counts: dict[int, Counts] = {}
    for pair, data_type, what, n in fetch("SELECT pair, type, what, n FROM transfer_tally"):
        numbers = counts.setdefault(pair, {}).setdefault(data_type, {})
        numbers[what] = numbers.get(what, 0) + n
    return counts
