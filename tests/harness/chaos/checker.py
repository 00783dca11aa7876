"""After a round, check every table and everything recorded about the pairs (`recorded`).

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
from psycopg import sql

from tests.harness.chaos import late, model
from tests.harness.chaos.ground import CONTROL, LIVE, ROOT, TEMPLATE, Ground
from tests.harness.chaos.late import LateRow, Moved, Turn
from tests.harness.chaos.recorded import records_of_the_site, records_of_the_transfer
from tests.harness.oracle import Pair
from transfer_site.run.embedded import database_url

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
