"""After a round, check every table and everything recorded about the pairs.

The pairs that succeeded are transferred again, without faults and in the same order, in a copy of the initial database
(the undisturbed run). All tables except those of transfers, audit and operations must then be identical in both
databases. This shows that the records of pairs that succeeded were moved completely, and that no other records were
changed. The model in plain Python (`model`) then checks that the result follows the rules.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from audit.verification import tenants_to_verify, verify
from operations.mail import queue_ended
from tenancy.context import all_tenants_context
from tests.harness.chaos import late, model
from tests.harness.chaos.ground import CONTROL, LIVE, ROOT, TEMPLATE, Ground
from tests.harness.chaos.late import LateRow, Moved, Turn
from tests.harness.oracle import Pair
from transfer_site.run.embedded import APPLICATION, database_url
from transfers.registry import data_types
from transfers.rules import Profile

Batches = Sequence[Sequence[dict[str, Any]]]  # in the format that control.py reads
Counts = dict[int, dict[str, dict[str, int]]]  # source ID -> data type -> outcome -> number of rows

# All tables, and single partitions, in all schemas, as the database spells their names.
TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relpersistence <> 't' AND relname <> 'django_session'
AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
AND relname NOT LIKE 'audit\\_%' AND relname NOT LIKE 'transfers\\_%' AND relname NOT LIKE 'operations\\_%'
ORDER BY relname
"""
DIGEST = """
SELECT count(*), coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table} AS t WHERE {which}
"""
# The comparison ignores the time of the last sign-in and the rows written by the other system.
ROW = {"accounts_user": "(to_jsonb(t) - 'last_login')::text"}
WHICH = late.NOT_LATE

# Pairs marked as succeeded in the same database transaction (same xmin) form a batch.
PAIR = "'source', source_id, 'target', target_id, 'row_number', row_number, 'warnings', warnings"
BATCHES = f"""
SELECT json_agg(json_build_object({PAIR}) ORDER BY id)
FROM transfers_transferpair WHERE state = 'succeeded' AND transfer_id = %s
GROUP BY xmin::text ORDER BY min(finished_at)
"""
REFUSED = f"""
SELECT json_build_object({PAIR}, 'reason', reason)
FROM transfers_transferpair WHERE code = 'constraint' AND transfer_id = %s ORDER BY id
"""
DELETED = "('dropped', 'merged', 'replaced', 'children')"
DELETED_TABLES = f'SELECT DISTINCT "table" FROM transfers_journalentry WHERE what IN {DELETED} ORDER BY 1'
DELETED_ROWS = f"""
SELECT p.source_id, p.target_id, d.data_type, d."table", d.what, to_jsonb(r.t)::text
FROM transfers_journalentry AS d
JOIN transfers_transferpair AS p ON p.id = d.pair_id
CROSS JOIN unnest(d.before) AS b
CROSS JOIN LATERAL (SELECT b::{{table}} AS t) AS r
WHERE d."table" = {{name}} AND d.what IN {DELETED} AND {{which}}
ORDER BY 1, 2, 3, 4, 5, 6
"""
COUNTS = "SELECT source_id, counts FROM transfers_transferpair WHERE state = 'succeeded'"
TURNS = """
SELECT source_id, target_id, state = 'succeeded', started_at, finished_at FROM transfers_transferpair
WHERE transfer_id = %s
"""


def violations(ground: Ground, transfer_id: int, written: Sequence[LateRow]) -> Iterator[str]:
    """Yield a sentence for each violation. `written` lists the rows that the other system wrote during the round."""
    yield from records_of_the_site()
    with (
        ground.connect(LIVE) as live,
        ground.connect(CONTROL) as control,
        ground.connect(TEMPLATE) as before,
    ):
        yield from records_of_the_transfer(live, transfer_id)
        yield from counts_that_do_not_add_up(counts(live))
        turns = {source: Turn(*turn) for source, *turn in live.execute(TURNS, [transfer_id])}
        found = late.check(live, written, turns)
        yield from found.sentences
        batches = [batch for (batch,) in live.execute(BATCHES, [transfer_id])]
        refused = [pair for (pair,) in live.execute(REFUSED, [transfer_id])]
        if wrong := run_again(ground, batches, refused):
            yield wrong
        else:
            yield from other_than_undisturbed(live, control, found.moved)
        yield from other_than_by_the_rules(live, before, batches, found.moved)


def other_than_undisturbed(
    live: psycopg.Connection, control: psycopg.Connection, moved: Moved
) -> Iterator[str]:
    yield from tables_that_differ(live, control)
    ours, theirs = (list(discarded_rows(connection)) for connection in (live, control))
    if ours != theirs:
        yield f"{len(ours)} discarded rows, {len(theirs)} in the undisturbed run, or different ones"
    yield from counts_that_differ(counts(live), counts(control), moved, "undisturbed")


def other_than_by_the_rules(
    live: psycopg.Connection, before: psycopg.Connection, batches: Batches, moved: Moved
) -> Iterator[str]:
    pairs = [[Pair(pair["source"], pair["source"], pair["target"]) for pair in batch] for batch in batches]
    expected = model.expect(before, live, pairs)
    yield from expected.sentences
    yield from counts_that_differ(counts(live), expected.counts, moved, "by the rules")
    ours = Counter(
        (source, table.strip('"'), reason, model.as_text(json.loads(row)))
        for source, _, _, table, reason, row in discarded_rows(live)
    )
    theirs = Counter(
        (gone.pair, gone.table, gone.reason, model.as_text(gone.row)) for gone in expected.discarded
    )
    if ours != theirs:
        yield f"{ours.total()} discarded rows, {theirs.total()} by the rules, or different ones"


def discarded_rows(connection: psycopg.Connection) -> Iterator[tuple[int, int, str, str, str, str]]:
    """Yield source ID, target ID, data type, table, reason and JSON of each deleted row that is not a late row."""
    for (table,) in connection.execute(DELETED_TABLES).fetchall():
        yield from connection.execute(
            sql.SQL(DELETED_ROWS).format(
                table=sql.SQL(table),
                name=sql.Literal(table),
                which=sql.SQL(late.NOT_DISCARDED_LATE.get(table, "true")),
            )
        ).fetchall()


def run_again(ground: Ground, batches: Batches, refused: Sequence[dict[str, Any]]) -> str:
    """Run `control` in its own process and return its error, or "" if it succeeded."""
    environment = os.environ | {"DATABASE_URL": database_url(ground.folder, CONTROL), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.chaos.control"],
        input=json.dumps({"batches": batches, "refused": refused}),
        text=True,
        capture_output=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    return f"the undisturbed run failed: {done.stderr[-1500:]}" if done.returncode else ""


def tables_that_differ(live: psycopg.Connection, control: psycopg.Connection) -> Iterator[str]:
    for (table,) in live.execute(TABLES).fetchall():
        ours, theirs = (digest(connection, table) for connection in (live, control))
        if ours != theirs:
            yield f"{table} differs from the undisturbed run: {some_difference(live, control, table)}"


def digest(connection: psycopg.Connection, table: str) -> tuple[object, ...] | None:
    return connection.execute(over(DIGEST, table)).fetchone()


def over(statement: str, table: str) -> sql.Composed:
    return sql.SQL(statement).format(
        table=sql.SQL(table),
        row=sql.SQL(ROW.get(table, "t::text")),
        which=sql.SQL(WHICH.get(table, "true")),
    )


def some_difference(live: psycopg.Connection, control: psycopg.Connection, table: str) -> str:
    ours, theirs = (
        {row for (row,) in connection.execute(over("SELECT {row} FROM {table} AS t WHERE {which}", table))}
        for connection in (live, control)
    )
    only_ours, only_theirs = sorted(ours - theirs), sorted(theirs - ours)
    return f"{len(only_ours)} rows {only_ours[:2]} instead of {len(only_theirs)} rows {only_theirs[:2]}"


def counts(connection: psycopg.Connection) -> Counts:
    return dict(connection.execute(COUNTS).fetchall())


def counts_that_differ(ours: Counts, theirs: Counts, moved: Moved, whose: str) -> Iterator[str]:
    """Yield a sentence for each pair with unexpected counts.

    `ours` also includes the rows in `moved`, which the other system wrote. They are subtracted before the comparison.
    """
    for source, counted in ours.items():
        expected = without_zeros(theirs.get(source, {}))
        found = without_zeros(without_late(counted, moved.get(source, {})))
        if found != expected:
            types = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
            differences = "; ".join(
                f"{name} {found.get(name)}, {whose} {expected.get(name)}" for name in types
            )
            yield f"the pair of {source} counts {differences}"


def counts_that_do_not_add_up(ours: Counts) -> Iterator[str]:
    for source, counted in ours.items():
        for data_type, n in counted.items():
            if n.get("source", 0) != n.get("moved", 0) + n.get("dropped", 0) + n.get("merged", 0):
                yield f"the pair of {source}: the numbers of {data_type} do not add up: {n}"


def without_late(
    counted: Mapping[str, Mapping[str, int]], moved: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    numbers = {data_type: dict(n) for data_type, n in counted.items()}
    for kind in late.KINDS:
        for what, n in kind.counts.items() if moved.get(kind.data_type) else ():
            of_type = numbers.setdefault(kind.data_type, {})
            of_type[what] = of_type.get(what, 0) - n * moved[kind.data_type]
    return numbers


def without_zeros(counted: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    kept = {
        data_type: {what: n for what, n in numbers.items() if n} for data_type, numbers in counted.items()
    }
    return {data_type: numbers for data_type, numbers in kept.items() if numbers}


# --- States, audit events and counts --------------------------------------------------------------------------------

# The demo's, that of users who must differ, and that of a deferred trigger. No unique key or exclusion constraint.
VIOLATED_ON_PURPOSE = "constraint (demo_frozen_records|two_apart_are_two)|a user can have five pledges"
# Each query must return no rows.
MUST_BE_EMPTY = {
    "a pair whose audit events do not match its state": """
        SELECT p.id, p.state, array_agg(a.kind) FROM transfers_transferpair AS p
        LEFT JOIN audit_auditevent AS a ON a.pair_id = p.id
        WHERE p.transfer_id = %(id)s GROUP BY p.id HAVING array_agg(a.kind::text) IS DISTINCT FROM CASE p.state
            WHEN 'succeeded' THEN ARRAY['pair-succeeded'] WHEN 'failed' THEN ARRAY['pair-failed']
            ELSE ARRAY[NULL] END
    """,
    "an audit event whose counts differ from the pair's": """
        SELECT p.id FROM transfers_transferpair AS p JOIN audit_auditevent AS a ON a.pair_id = p.id
        WHERE a.kind = 'pair-succeeded' AND a.details->'counts' IS DISTINCT FROM p.counts
    """,
    "an ended transfer with a pending pair": """
        SELECT id FROM transfers_transferpair WHERE transfer_id = %(id)s AND state = 'pending'
    """,
    "a transfer whose state does not match its pairs": """
        SELECT t.state, of_pairs.state FROM transfers_transfer AS t CROSS JOIN (
            SELECT CASE
                WHEN bool_or(state = 'not started') THEN 'stopped'
                WHEN NOT bool_or(state = 'failed') THEN 'succeeded'
                WHEN bool_or(state = 'succeeded') THEN 'finished with errors'
                ELSE 'failed' END AS state
            FROM transfers_transferpair WHERE transfer_id = %(id)s
        ) AS of_pairs
        WHERE t.id = %(id)s AND t.state <> of_pairs.state
    """,
    "a pair with more than three attempts": """
        SELECT id, state, attempts FROM transfers_transferpair WHERE transfer_id = %(id)s AND attempts > 3
    """,
    "a failed pair without code, reason or remedy": """
        SELECT id, code, reason, remedy FROM transfers_transferpair
        WHERE transfer_id = %(id)s AND (state = 'failed') = (code = '' OR reason = '' OR remedy = '')
    """,
    "a pair that was refused by a constraint that rows of this world do not violate on purpose": """
        SELECT id, reason FROM transfers_transferpair
        WHERE transfer_id = %(id)s AND code = 'constraint' AND reason !~ %(on_purpose)s
    """,
    "a transfer without an email, or with two": """
        SELECT n FROM (SELECT count(*) AS n FROM operations_mail WHERE transfer_id = %(id)s) AS m WHERE n <> 1
    """,
    "a transfer whose end is not recorded exactly once, with the numbers of its pairs": """
        SELECT s.* FROM (
            SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'not started') AS not_started
            FROM transfers_transferpair WHERE transfer_id = %(id)s
        ) AS s
        WHERE (
            SELECT count(*) FROM audit_auditevent AS a
            WHERE a.transfer_id = %(id)s AND a.kind = 'transfer-finished'
            AND a.details->>'succeeded' = s.succeeded::text AND a.details->>'failed' = s.failed::text
            AND a.details->>'not_started' = s.not_started::text
        ) <> 1 OR (
            SELECT count(*) FROM audit_auditevent WHERE transfer_id = %(id)s
            AND kind IN ('transfer-confirmed', 'transfer-started', 'transfer-finished')
        ) <> CASE WHEN (SELECT started_at FROM transfers_transfer WHERE id = %(id)s) IS NULL THEN 2 ELSE 3 END
    """,
    "a user who is still a participant": "SELECT user_id FROM transfers_participant WHERE transfer_id = %(id)s",
    "a pair whose journal and counts differ": """
        SELECT pair, type, what, j.n, c.n
        FROM (
            SELECT pair_id AS pair, data_type AS type,
                CASE what WHEN 'changed' THEN 'moved' WHEN 'folded' THEN 'merged' ELSE what END AS what, sum(n) AS n
            FROM transfers_journalentry
            WHERE transfer_id = %(id)s AND what <> 'adopted'
                AND (what <> 'folded' OR data_type = ANY (%(profiles)s)) GROUP BY 1, 2, 3
        ) AS j
        FULL JOIN (
            SELECT p.id AS pair, t.type, n.what, n.v::bigint AS n
            FROM transfers_transferpair AS p, jsonb_each(p.counts) AS t(type, numbers),
                jsonb_each_text(t.numbers) AS n(what, v)
            WHERE p.transfer_id = %(id)s AND n.what NOT IN ('source', 'target', 'same_user')
        ) AS c USING (pair, type, what)
        WHERE j.n IS DISTINCT FROM c.n
    """,
}


def records_of_the_transfer(live: psycopg.Connection, transfer_id: int) -> Iterator[str]:
    profiles = [entry.key for entry in data_types() if isinstance(entry.rule, Profile)]
    for name, statement in MUST_BE_EMPTY.items():
        parameters = {"id": transfer_id, "profiles": profiles, "on_purpose": VIOLATED_ON_PURPOSE}
        found = live.execute(statement, parameters).fetchall()
        if found:
            yield f"{name}: {found[:3]}"


def records_of_the_site() -> Iterator[str]:
    """Queue the email about the ended transfer, and yield a sentence for each fault in the audit log.

    In production, Celery beat queues the email within 15 seconds. Both steps use the application's database role.
    """
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APPLICATION)))
    with all_tenants_context():
        queue_ended()
    for tenant_id in tenants_to_verify():
        if wrong := verify(tenant_id).wrong:
            yield f"the audit log of tenant {tenant_id}: {wrong}"
    connection.close()
