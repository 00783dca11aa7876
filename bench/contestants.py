"""The contestants: the implementations that the benchmark compares.

Each transfers the same pairs in a fresh copy of the same database and measures its own time.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from bench import library, orm
from bench.careful import Careful, CheckFailed
from bench.cpu import Meter
from bench.data import Pair
from bench.script import FILL_PAIRS, MAKE_PAIRS, ONE_PAIR, statements
from bench.server import Server, enter, leave
from transfer_site.run.embedded import APPLICATION
from transfers.engine.catalog.tables import Table, read_tables
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.registry import data_types

PER_COMMIT = 100  # pairs; a commit after every pair would be even slower


@dataclass
class Run:
    """One measurement of a contestant: elapsed seconds, CPU seconds, and peak memory.

    `cpu` is the CPU time of PostgreSQL and its client together. `peaks` holds the peak memory of each worker process in
    MB.
    """

    seconds: float
    cpu: float
    peaks: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """The pairs to transfer in a database, and the ID of the confirmed transfer of these pairs (0 if there is none)."""

    server: Server
    database: str
    pairs: Sequence[Pair]
    transfer_id: int = 0


def script(job: Job) -> Run:
    """Run a few SQL statements per table for all pairs, on one connection and in one transaction."""
    return all_at_once(job, [step for entry, table in tables(job) for step in statements(entry, table)])


def careful_expert(job: Job) -> Run:
    """Run the script, but keep the deleted rows, count the changed rows of each pair, and check the result."""
    plan = Careful(tables(job))
    with job.server.connect(job.database) as session:
        for statement in plan.before:
            session.execute(statement)
    return all_at_once(job, plan.steps, plan.checks)


def all_at_once(job: Job, steps: Sequence[sql.Composed], checks: Sequence[sql.Composed] = ()) -> Run:
    with job.server.connect(job.database) as session:
        began, meter = time.perf_counter(), Meter(session.info.backend_pid)
        make_pairs(session, job.pairs)
        for step in steps:
            session.execute(step)
        for check in checks:
            if session.execute(check).fetchone() != (True,):
                raise CheckFailed(check.as_string(session))
        session.commit()
        return Run(time.perf_counter() - began, meter.seconds)


def make_pairs(session: psycopg.Connection, pairs: Sequence[Pair]) -> None:
    """Create the table that the script's statements read."""
    session.execute(MAKE_PAIRS)
    session.execute(FILL_PAIRS, [list(column) for column in zip(*pairs, strict=True)])
    session.execute("ANALYZE pairs")


def one_worker(job: Job) -> Run:
    """Run the engine with one worker process, including audit, archive and verification."""
    return workers(job, 1)


def two_workers(job: Job) -> Run:
    """Run the engine with two worker processes on the same transfer."""
    return workers(job, 2)


def by_external_id(job: Job) -> Run:
    """Run the engine with one worker process that finds the rows by the users' external IDs."""
    return workers(job, 1, "transfer_by_external_id")


def pair_by_pair(job: Job) -> Run:
    """Run the script's statements, prepared, for one pair at a time, and commit every 100 pairs."""
    plan = [step for entry, table in tables(job) for step in statements(entry, table, ONE_PAIR)]
    with job.server.connect(job.database, prepare_threshold=1) as session:
        session.prepared_max = 1000
        texts = [step.as_string(session) for step in plan]
        began, meter = time.perf_counter(), Meter(session.info.backend_pid)
        for number, (source, target) in enumerate(job.pairs, 1):
            for text in texts:
                session.execute(text, {"source": source, "target": target})
            if number % PER_COMMIT == 0:
                session.commit()
        session.commit()
        return Run(time.perf_counter() - began, meter.seconds)


def by_orm(job: Job) -> Run:
    """Transfer object by object. It is so slow that it is only run on a sample of the pairs."""
    return object_by_object(job, orm.transfer)


def by_library(job: Job) -> Run:
    """Transfer object by object with a merge library, on a sample of the pairs like `by_orm`."""
    return object_by_object(job, library.transfer)


def object_by_object(job: Job, transfer: Callable[[Sequence[Pair]], None]) -> Run:
    enter(job.database)
    connection.ensure_connection()
    began, meter = time.perf_counter(), Meter(connection.connection.info.backend_pid)
    transfer(job.pairs)
    run = Run(time.perf_counter() - began, meter.seconds)
    leave()
    return run


Contestant = Callable[[Job], Run]


def tables(job: Job) -> Iterator[tuple[Any, Table]]:
    enter(job.database)
    known = read_tables(entry.model._meta.db_table for entry in data_types())
    leave()
    return ((entry, known[entry.model._meta.db_table]) for entry in data_types())


def workers(job: Job, number: int, task: str = "transfer") -> Run:
    with processes(job, task, job.transfer_id, number) as started:
        began = time.perf_counter()
        for process in started:
            start_work(process)
        reports = [report_of(process) for process in started]
        seconds = time.perf_counter() - began
    enter(job.database)
    check_succeeded(job)
    leave()
    cpu = sum(report["cpu"] for report in reports)
    return Run(seconds, cpu, [report["peak_mb"] for report in reports])


@contextmanager
def processes(job: Job, task: str, argument: int, number: int = 1) -> Iterator[list[subprocess.Popen[str]]]:
    """Start worker processes, yield them when all are ready to `start_work`, and kill them after the block."""
    environment = {**os.environ, "DATABASE_URL": job.server.address(job.database, APPLICATION)}
    command = [sys.executable, "-m", "bench.worker", task, str(argument)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, env=environment, **pipes) for _ in range(number)]
    try:
        for process in started:
            line = process.stdout.readline() if process.stdout else ""
            if line != "ready\n":
                raise RuntimeError(f"A worker process of the benchmark did not start: {line!r}")
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def start_work(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.write("go\n")
        process.stdin.flush()


def report_of(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait until the process has finished its work, and return its measurements."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("A worker process of the benchmark died; see its output above.")
    return dict(json.loads(line))


def check_succeeded(job: Job) -> None:
    transfer = Transfer.objects.get(pk=job.transfer_id)
    done = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED).count()
    if transfer.state != State.SUCCEEDED or done != len(job.pairs):
        failed = TransferPair.objects.filter(transfer=transfer).exclude(state=PairState.SUCCEEDED).first()
        why = failed.reason if failed else ""
        raise RuntimeError(
            f"The transfer ended as {transfer.state}; {done} of {len(job.pairs)} pairs succeeded. {why}"
        )
