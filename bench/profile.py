"""`python -m bench.profile [few|realistic]`: compare the CPU time of the engine and the script by statement.

Both run once on the same data, in this process. The times are CPU times of the PostgreSQL backend, which are stable
even on a busy machine; "client" is the CPU time of the Python process. The last table shows what the engine stored.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from psycopg import sql

from bench import sizes
from bench.cpu import Meter
from bench.server import Server, enter, leave, server

TABLES = ("transfers_transferpair", "audit_auditevent", "transfers_journalentry")
ROW_SIZES = "SELECT count(*), avg(pg_column_size(t)), pg_total_relation_size({}::regclass) FROM {} AS t"
ENTRY_SIZES = """
SELECT coalesce(what, '(all)'), coalesce(data_type, '(all)'), count(*), sum(n), avg(pg_column_size(t)),
    sum(pg_column_size(t)) / sum(n)::numeric
FROM transfers_journalentry AS t
GROUP BY GROUPING SETS ((what, data_type), (what), ()) ORDER BY t.what NULLS FIRST, t.data_type NULLS FIRST
"""
Spent = dict[str, list[float]]  # data type of the script or statement of the engine -> [calls, seconds]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("race", nargs="?", default="few", choices=("few", "realistic"))
    parser.add_argument("--pairs", type=int, default=400)
    options = parser.parse_args()
    with server() as running:
        import django

        django.setup()
        compare(running, options.race, options.pairs)


def compare(running: Server, race: str, number: int) -> None:
    from bench.data import Group, make_empty, make_template
    from bench.race import prepared

    make_empty(running, "empty")
    group = Group(race, number, getattr(sizes.BENCH, race))
    pairs = make_template(running, "empty", "data", [group])[race]
    with prepared(running, "data", pairs, "ready") as found:
        job = found.job
        with running.fresh(job.database) as name:
            theirs = of_script(running, name, job)
        with running.fresh(job.database) as name:
            ours, client = of_engine(name, job.transfer_id)
            stored = list(storage(running, name))
    print(
        f"{number:,} pairs, {found.rows:,} rows, {found.changed:,} changed; CPU seconds of the PostgreSQL backend"
    )
    print_profile(theirs, ours, client)
    print("\n" + "\n".join(stored))


def of_script(running: Server, name: str, job: Any) -> Spent:
    from bench.contestants import make_pairs, tables
    from bench.script import statements

    spent: Spent = defaultdict(lambda: [0, 0.0])
    plan = [
        (entry.key, step)
        for entry, table in tables(replace(job, database=name))
        for step in statements(entry, table)
    ]
    with running.connect(name) as session:
        make_pairs(session, job.pairs)
        for key, step in plan:
            with metered(spent, key, session.info.backend_pid):
                session.execute(step)
        with metered(spent, "commit", session.info.backend_pid):
            session.commit()
    return spent


def of_engine(name: str, transfer_id: int) -> tuple[Spent, float]:
    from django.db import connection

    from transfers.engine.worker import work_on

    spent: Spent = defaultdict(lambda: [0, 0.0])
    enter(name)
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid

    def measured(execute: Any, statement: str, *rest: Any) -> Any:
        with metered(spent, name_of(statement), backend):
            return execute(statement, *rest)

    whole = Meter(backend)
    with connection.execute_wrapper(measured):
        while work_on(transfer_id):
            pass
    client, server_side = whole.parts
    spent["commit and other work outside statements"] = [
        1,
        server_side - sum(t for _, t in spent.values()),
    ]
    leave()
    return spent, client


def storage(running: Server, name: str) -> Iterator[str]:
    """Yield the sizes of the engine's own tables, and of journal entries by kind of change and data type."""
    with running.connect(name) as session:
        for table in TABLES:
            query = sql.SQL(ROW_SIZES).format(sql.Literal(table), sql.Identifier(table))
            rows, average, total = session.execute(query).fetchone() or (0, 0, 0)
            yield f"{table:<24} {rows:>8,} rows of {average:>6,.0f} bytes, {total:>12,} bytes with indexes"
        yield "journal entries"
        for what, key, entries, rows, average, per_row in session.execute(ENTRY_SIZES):
            yield (
                f"  {what:<9} {key:<40} {entries:>7,} entries of {average:>7,.0f} bytes,"
                f" {rows:>9,} rows, {per_row:>6,.0f} bytes per row"
            )


@contextmanager
def metered(spent: Spent, key: str, backend: int) -> Iterator[None]:
    meter = Meter(backend)
    yield
    spent[key][0] += 1
    spent[key][1] += meter.parts[1]


def name_of(statement: str) -> str:
    """Return a name for the statement: its first 70 characters, which are its header comment if it has one."""
    return re.sub(r"\s+", " ", statement).lstrip("- ")[:70]


def print_profile(theirs: Spent, ours: Spent, client: float) -> None:
    total_theirs, total_ours = (sum(t for _, t in spent.values()) for spent in (theirs, ours))
    print(
        f"script {total_theirs:.2f}, engine {total_ours:.2f} ({total_ours / total_theirs:.2f} ×), client {client:.2f}"
    )
    for title, spent in (("script by data type", theirs), ("engine by statement", ours)):
        print(f"\n{title}")
        for name, (calls, seconds) in sorted(spent.items(), key=lambda item: -item[1][1])[:40]:
            print(f"{seconds:8.2f} {int(calls):7} calls   {name}")


if __name__ == "__main__":
    main()
