"""Looks for what must never be: after a round, every table of the database and every sentence about the pairs.

Undisturbed and in the same order, the pairs that succeeded are transferred again in a database that was copied before
the round. Whatever else went on, the two must be identical in every table but those of the transfers themselves: that
speaks for the pairs that succeeded (all of it), for those that did not (none of it), and for everybody else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from tests.chaos.ground import CONTROL, LIVE, ROOT, Ground
from tests.chaos.meddlers import LATE
from transfer_site.embedded import database_url

Counts = dict[tuple[int, int], Any]
CALLS = "quality.ccr"

TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname NOT LIKE 'transfers\\_%' AND relname NOT LIKE 'operations\\_%' AND relname <> 'django_session'
ORDER BY relname
"""
DIGEST = """
SELECT count(*), coalesce(sum(hashtextextended({row}, 0)::numeric), 0) FROM {table} AS t WHERE {which}
"""
# What is not the transfer's: when somebody signed in, and what the other system wrote meanwhile.
ROW = {"accounts_user": "(to_jsonb(t) - 'last_login')::text"}
WHICH = {"quality_ccr": f"contact_id < {LATE}"}

# A batch is what one database transaction marked.
BATCHES = """
SELECT json_agg(json_build_object(
    'source', source_id, 'target', target_id, 'row_number', row_number, 'warnings', warnings
) ORDER BY id)
FROM transfers_transferpair WHERE state = 'succeeded' AND transfer_id = %s
GROUP BY xmin::text ORDER BY min(finished_at)
"""
DISCARDED = """
SELECT p.source_id, p.target_id, d.data_type, d."table", d.reason, d."row"::text
FROM transfers_discardedrow AS d JOIN transfers_transferpair AS p ON p.id = d.pair_id
ORDER BY 1, 2, 3, 4, 5, 6
"""
COUNTS = "SELECT source_id, target_id, counts FROM transfers_transferpair WHERE state = 'succeeded'"
LATE_ROWS = f"SELECT contact_id, array_agg(agent_id) FROM quality_ccr WHERE contact_id >= {LATE} GROUP BY 1"


def violations(ground: Ground, transfer_id: int, written: Mapping[int, int]) -> Iterator[str]:
    """A sentence for each thing that is not as it must be. written: late rows by contact id, whose source they name."""
    with ground.connect(LIVE) as live, ground.connect(CONTROL) as control:
        undisturbed = run_again(ground, [batch for (batch,) in live.execute(BATCHES, [transfer_id])])
        yield from undisturbed
        if undisturbed:
            return
        yield from tables_that_differ(live, control)
        yield from discarded_rows(live, control)
        late = dict(live.execute(LATE_ROWS).fetchall())
        pairs = dict(live.execute("SELECT source_id, target_id FROM transfers_transferpair").fetchall())
        yield from late_rows(late, written, pairs)
        yield from counts_that_differ(counts(live), counts(control), late)
        yield from records_of_the_transfer(live, transfer_id)


def run_again(ground: Ground, batches: Sequence[Any]) -> list[str]:
    environment = os.environ | {"DATABASE_URL": database_url(ground.folder, CONTROL), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.control"],
        input=json.dumps(batches),
        text=True,
        capture_output=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    return [f"the control run failed: {done.stderr[-1500:]}"] if done.returncode else []


def tables_that_differ(live: psycopg.Connection, control: psycopg.Connection) -> Iterator[str]:
    for (table,) in live.execute(TABLES).fetchall():
        ours, theirs = (digest(connection, table) for connection in (live, control))
        if ours != theirs:
            yield f"{table} differs from the undisturbed run: {some_difference(live, control, table)}"


def digest(connection: psycopg.Connection, table: str) -> Any:
    return connection.execute(over(DIGEST, table)).fetchone()


def over(statement: str, table: str) -> sql.Composed:
    return sql.SQL(statement).format(
        table=sql.Identifier(table),
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


def discarded_rows(live: psycopg.Connection, control: psycopg.Connection) -> Iterator[str]:
    ours, theirs = (connection.execute(DISCARDED).fetchall() for connection in (live, control))
    if ours != theirs:
        yield f"{len(ours)} discarded rows, {len(theirs)} in the undisturbed run, or other ones"


def late_rows(
    late: Mapping[int, Sequence[int]], written: Mapping[int, int], pairs: Mapping[int, int]
) -> Iterator[str]:
    """Each is there once, with its source or with the source's target, and none that was committed is lost."""
    for number, source in written.items():
        holders = late.get(number, [])
        if len(holders) != 1 or holders[0] not in (source, pairs[source]):
            yield f"a row written for {source} during the transfer is with {holders}"


def counts(connection: psycopg.Connection) -> Counts:
    return {(source, target): counts for source, target, counts in connection.execute(COUNTS)}


def counts_that_differ(ours: Counts, theirs: Counts, late: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """Late rows that came before the pair's turn were moved and counted, the others stay with the source."""
    moved: dict[int, int] = {}
    for holders in late.values():
        moved[holders[0]] = moved.get(holders[0], 0) + 1
    for (source, target), counted in ours.items():
        if counted.get(CALLS) and target in moved:
            counted[CALLS] = {
                what: n - moved[target] if what in ("source", "moved") else n
                for what, n in counted[CALLS].items()
            }
        if counted != theirs.get((source, target)):
            yield f"pair {source} → {target} counts {other_than(counted, theirs.get((source, target), {}))}"
        for data_type, n in counted.items():
            if n.get("source", 0) != n.get("moved", 0) + n.get("dropped", 0) + n.get("merged", 0):
                yield f"pair {source} → {target}: the numbers of {data_type} do not add up: {n}"


def other_than(counted: Mapping[str, Any], undisturbed: Mapping[str, Any]) -> str:
    types = [name for name in {*counted, *undisturbed} if counted.get(name) != undisturbed.get(name)]
    return "; ".join(f"{name} {counted.get(name)}, undisturbed {undisturbed.get(name)}" for name in types)


# --- What is said about the pairs ------------------------------------------------------------------------------------

# Each must be without a row.
MUST_BE_EMPTY = {
    "a pair whose audit events do not fit its state": """
        SELECT p.id, p.state, array_agg(a.kind) FROM transfers_transferpair AS p
        LEFT JOIN transfers_auditevent AS a ON a.pair_id = p.id
        WHERE p.transfer_id = %(id)s GROUP BY p.id HAVING array_agg(a.kind::text) IS DISTINCT FROM CASE p.state
            WHEN 'succeeded' THEN ARRAY['pair-succeeded'] WHEN 'failed' THEN ARRAY['pair-failed']
            ELSE ARRAY[NULL] END
    """,
    "an audit event whose counts are not the pair's": """
        SELECT p.id FROM transfers_transferpair AS p JOIN transfers_auditevent AS a ON a.pair_id = p.id
        WHERE a.kind = 'pair-succeeded' AND a.details->'counts' IS DISTINCT FROM p.counts
    """,
    "a transfer that ended with a pair waiting": """
        SELECT id FROM transfers_transferpair WHERE transfer_id = %(id)s AND state = 'pending'
    """,
    "a transfer whose end is not recorded once, with the numbers of its pairs": """
        SELECT s.* FROM (
            SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'not started') AS not_started
            FROM transfers_transferpair WHERE transfer_id = %(id)s
        ) AS s
        WHERE (
            SELECT count(*) FROM transfers_auditevent AS a
            WHERE a.transfer_id = %(id)s AND a.kind = 'transfer-finished'
            AND a.details->>'succeeded' = s.succeeded::text AND a.details->>'failed' = s.failed::text
            AND a.details->>'not_started' = s.not_started::text
        ) <> 1 OR (
            SELECT count(*) FROM transfers_auditevent WHERE transfer_id = %(id)s
            AND kind IN ('transfer-confirmed', 'transfer-started', 'transfer-finished')
        ) <> CASE WHEN (SELECT started_at FROM transfers_transfer WHERE id = %(id)s) IS NULL THEN 2 ELSE 3 END
    """,
    "a user who is still taken": "SELECT user_id FROM transfers_participant WHERE transfer_id = %(id)s",
    "a pair whose discarded rows are not as many as it counts": """
        SELECT p.id, coalesce(d.n, 0), coalesce(c.n, 0) FROM transfers_transferpair AS p
        LEFT JOIN (SELECT pair_id, count(*) AS n FROM transfers_discardedrow GROUP BY 1) AS d ON d.pair_id = p.id
        LEFT JOIN (
            SELECT id, sum(v::bigint) AS n FROM transfers_transferpair, jsonb_each(counts) AS t(type, numbers),
                jsonb_each_text(numbers) AS n(what, v)
            WHERE what IN ('dropped', 'merged', 'replaced', 'children') GROUP BY id
        ) AS c ON c.id = p.id
        WHERE p.transfer_id = %(id)s AND coalesce(d.n, 0) > coalesce(c.n, 0)
    """,
}


def records_of_the_transfer(live: psycopg.Connection, transfer_id: int) -> Iterator[str]:
    for name, statement in MUST_BE_EMPTY.items():
        found = live.execute(statement, {"id": transfer_id}).fetchall()
        if found:
            yield f"{name}: {found[:3]}"
