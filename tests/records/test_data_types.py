"""The thirty published data types: their names, order, rules, owners, keys and indexes."""

from typing import NamedTuple

import pytest
from django.db import connection

from transfers.engine.catalog.tables import read_tables
from transfers.engine.compiler.owners import compile_owner
from transfers.engine.compiler.steps import as_text
from transfers.registry import data_types, not_transferred
from transfers.rules import Combine, DataType, Owner, Rename


class Published(NamedTuple):
    """A data type in the published list. `keys` are the unique keys that contain an owner column."""

    name: str
    group: str
    word: str
    owners: str
    policy: str = ""
    keys: tuple[str, ...] = ()
    rows: int = 0


QM, WFM = "Quality management", "Classic WFM"
COMBINED, OVERWRITTEN = "Combined", "Overwritten"
PRODUCTIVITY = "Agent/Service Productivity Data (Interval/Day/Week/Month/Year)"
PUBLISHED = [
    Published("Login State", QM, COMBINED, "user", rows=40),
    Published("Recording API Command", QM, COMBINED, "user", rows=30),
    Published("CCRs", QM, COMBINED, "agent", rows=400),
    Published("Evaluations - approver and evaluator", QM, COMBINED, "evaluator, approver", rows=20),
    Published("Evaluation Comments", QM, COMBINED, "author", rows=30),
    Published("Contact Goal", QM, COMBINED, "owner", "Rename", ("owner_id, name",), 2),
    Published("Contact Goal Person", QM, COMBINED, "person", "KeepTarget", ("person_id, goal_id",), 3),
    Published(
        "Contact Goal Progress", QM, COMBINED, "person", "Merge", ("person_id, goal_id, period",), 24
    ),
    Published("Storage File", QM, COMBINED, "owner", rows=20),
    Published("Archive Audit", QM, COMBINED, "user", rows=10),
    Published("WFO Audit Events", QM, COMBINED, "user", rows=60),
    Published("User Messaging Requests", WFM, COMBINED, "sender, recipient", rows=15),
    Published("User Messaging Request Comments", WFM, COMBINED, "author", rows=15),
    Published("User Server Requests", WFM, COMBINED, "requested_by, parameters user_ids", rows=10),
    Published(
        "Alerts (deprecated)",
        WFM,
        COMBINED,
        "user",
        "Latest",
        ("user_id, rule_id WHERE (acknowledged_at IS NULL)",),
        5,
    ),
    Published("Views", WFM, COMBINED, "user", "KeepTarget", ("user_id, view_id",), 1),
    Published("Workflow Conditions", WFM, COMBINED, "agent_ids", rows=1),
    Published(
        "Accumulated Vacation Hours", WFM, OVERWRITTEN, "user", "", ("user_id, vacation_type_id, year",), 4
    ),
    Published("Skill Mappings", WFM, OVERWRITTEN, "user", "", ("user_id, skill_id",), 6),
    Published("Agent Assigned Exceptions", WFM, OVERWRITTEN, "user", rows=12),
    Published("Agent Schedules", WFM, OVERWRITTEN, "user", "", ("user_id, date",), 90),
    Published("Projects", WFM, OVERWRITTEN, "user", "", ("user_id, project_id",), 2),
    Published("Agent Work Shifts", WFM, OVERWRITTEN, "user", "", ("user_id, starts_on",), 4),
    Published(PRODUCTIVITY, WFM, OVERWRITTEN, "user", "", ("user_id, service_id, granularity, starts_at",), 600),
    Published("Agent Productivity Data", WFM, OVERWRITTEN, "user", "", ("user_id, granularity, starts_at",), 200),
    Published("Agent Offline Activity Hours", WFM, OVERWRITTEN, "user", "", ("user_id, activity_id, date",), 30),
    Published("Agent Group Day Allocations", WFM, OVERWRITTEN, "user", "", ("user_id, team_id, date",), 30),
    Published("Historical Activities by Agent", WFM, OVERWRITTEN, "user", rows=120),
    Published("Agent Work Hours", WFM, OVERWRITTEN, "user", "", ("user_id, weekday",), 7),
    Published("Agent Real Time States", WFM, OVERWRITTEN, "user", "", ("user_id",), 1),
]  # fmt: skip
HISTORY = ["Archive Audit", "WFO Audit Events"]

own_types = [entry for entry in data_types() if entry.group in (QM, WFM)]
each_type = pytest.mark.parametrize("entry", own_types, ids=lambda entry: entry.name)


def spelled(owner: Owner) -> str:
    return " ".join([owner.field, *getattr(owner, "path", ())])


def policy(entry: DataType) -> str:
    on_clash = entry.rule.on_clash if isinstance(entry.rule, Combine) else None
    return type(on_clash).__name__ if on_clash else ""


def owner_columns(entry: DataType) -> set[str]:
    return {entry.model._meta.get_field(owner.field).column for owner in entry.owners}


def keys_with_owner(entry: DataType) -> tuple[str, ...]:
    """Return the unique keys in the database that contain an owner column, written as in CREATE INDEX."""
    table = entry.model._meta.db_table
    keys = read_tables([table])[table].keys_with(owner_columns(entry))
    return tuple(
        ", ".join(key.expressions) + (f" WHERE {key.predicate}" if key.predicate != "true" else "")
        for key in keys
    )


# --- The list -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_types_are_the_published_ones_in_their_order() -> None:
    found = [
        Published(
            entry.name,
            entry.group,
            entry.rule.word,
            ", ".join(map(spelled, entry.owners)),
            policy(entry),
            keys_with_owner(entry),
            entry.demo_rows,
        )
        for entry in own_types
    ]
    assert found == PUBLISHED


def test_there_are_thirty() -> None:
    assert len(PUBLISHED) == len({line.name for line in PUBLISHED}) == 30


def test_types_are_ordered_by_heading() -> None:
    groups = [entry.group for entry in own_types]
    assert groups == sorted(groups, key=[QM, WFM].index)


@each_type
def test_each_type_has_a_sentence_for_the_help_page(entry: DataType) -> None:
    assert entry.sentence[0].isupper()
    assert entry.sentence.endswith(".")


def test_types_with_recorded_names_are_history() -> None:
    assert [entry.name for entry in own_types if entry.history] == HISTORY


def test_no_type_drops_self_edges() -> None:
    assert not [entry.name for entry in own_types if entry.drops_self_edges]


def test_views_are_transferred_and_roles_are_not() -> None:
    assert "accounts.accessviewassignment.user" not in not_transferred()
    assert "accounts.roleassignment.user" in not_transferred()


# --- Keys and indexes in the database -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_file_paths_are_unique_across_owners() -> None:
    keys = read_tables(["quality_storagefile"])["quality_storagefile"].keys
    assert ("path",) in [key.expressions for key in keys]


@pytest.mark.django_db
def test_renamed_columns_are_in_every_owner_key() -> None:
    for entry in own_types:
        if isinstance(entry.rule, Combine) and isinstance(entry.rule.on_clash, Rename):
            assert all(entry.rule.on_clash.field in key for key in keys_with_owner(entry))


# OFFSET 0 fixes the join order (first the pair, then its rows), regardless of the planner's row estimates.
EXPLAIN = """
EXPLAIN (FORMAT JSON)
SELECT FROM (SELECT 1::bigint AS source OFFSET 0) AS p
CROSS JOIN LATERAL (SELECT FROM {table} AS r WHERE {holds} OFFSET 0) AS found
"""


@pytest.mark.django_db
@each_type
def test_the_rows_of_a_source_are_found_by_an_index(entry: DataType) -> None:
    """The query has exactly the condition that the engine uses."""
    table = read_tables([entry.model._meta.db_table])[entry.model._meta.db_table]
    for owner in entry.owners:
        compiled = compile_owner(entry.model, owner, table)
        statement = EXPLAIN.format(table=f'"{table.name}"', holds=as_text(compiled.holds("source")))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(statement)
            plan = cursor.fetchone()[0][0]["Plan"]
        assert scan_of(table.name, plan) == "index", f"{entry.name} by {spelled(owner)}: {plan}"


def scan_of(table: str, plan: dict) -> str:
    """Return how the plan reads the table: "index" if an index condition is used, else the type of the plan node."""
    for node in nodes(plan):
        if node.get("Relation Name") == table:
            by_index = any("Index Cond" in below for below in nodes(node))
            return "index" if by_index else node["Node Type"]
    return "not at all"


def nodes(plan: dict) -> list[dict]:
    return [plan, *(node for below in plan.get("Plans", ()) for node in nodes(below))]


@pytest.mark.django_db
@each_type
def test_every_owner_column_leads_an_index_over_all_rows(entry: DataType) -> None:
    leading = leading_expressions(entry.model._meta.db_table)
    assert owner_columns(entry) <= leading


LEADING = """
SELECT pg_get_indexdef(i.indexrelid, 1, false), ARRAY(
    SELECT a.attname::text FROM pg_attribute AS a JOIN pg_depend AS d
        ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
        AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
    WHERE a.attrelid = i.indrelid AND i.indkey[0] = 0
)
FROM pg_index AS i WHERE i.indrelid = %s::regclass AND i.indisvalid AND i.indpred IS NULL
"""


def leading_expressions(table: str) -> set[str]:
    """Return the leading columns of the table's non-partial indexes, including columns inside an expression."""
    with connection.cursor() as cursor:
        cursor.execute(LEADING, [table])
        return {name for first, inside in cursor.fetchall() for name in (first.strip('"'), *inside)}
