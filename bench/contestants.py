"""The contestants: each moves the same pairs in a fresh copy of the same database, and returns the seconds it took."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from bench import orm
from bench.cpu import Meter
from bench.data import Pair
from bench.script import FILL_PAIRS, MAKE_PAIRS, ONE_PAIR, statements
from bench.server import Server, enter, leave
from transfer_site.run.embedded import APPLICATION
from transfers.engine.compiler.catalog import Table, read_tables
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.registry import data_types

PER_COMMIT = 100  # pairs; a commit after each pair would be slower still


@dataclass
class Run:
    """One measurement: wall-clock seconds, processor seconds (PostgreSQL and client together), and the peak memory of
    each worker process in MB."""

    seconds: float
    cpu: float
    peaks: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """The work: the pairs, and their confirmed transfer in the template."""

    server: Server
    database: str
    pairs: Sequence[Pair]
    transfer_id: int = 0


def script(job: Job) -> Run:
    """Contestant 1: one statement per table on one connection, in one transaction."""
    plan = [step for entry, table in tables(job) for step in statements(entry, table)]
    with job.server.connect(job.database) as session:
        began, meter = time.perf_counter(), Meter(session.info.backend_pid)
        session.execute(MAKE_PAIRS)
        session.execute(FILL_PAIRS, [list(column) for column in zip(*job.pairs, strict=True)])
        session.execute("ANALYZE pairs")
        for step in plan:
            session.execute(step)
        session.commit()
        return Run(time.perf_counter() - began, meter.seconds)


def one_worker(job: Job) -> Run:
    """Contestant 2: the engine, with audit, archive and verification."""
    return workers(job, 1)


def two_workers(job: Job) -> Run:
    """Contestant 3: the engine, two processes on the same transfer."""
    return workers(job, 2)


def pair_by_pair(job: Job) -> Run:
    """Contestant 4: the script's statements pair by pair, prepared by the driver, committed every 100 pairs."""
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
    """Contestant 5: object by object through the ORM, on a sample because it takes so long."""
    enter(job.database)
    connection.ensure_connection()
    began, meter = time.perf_counter(), Meter(connection.connection.info.backend_pid)
    orm.transfer(job.pairs)
    run = Run(time.perf_counter() - began, meter.seconds)
    leave()
    return run


Contestant = Callable[[Job], Run]


def tables(job: Job) -> Iterator[tuple[Any, Table]]:
    enter(job.database)
    known = read_tables(entry.model._meta.db_table for entry in data_types())
    leave()
    return ((entry, known[entry.model._meta.db_table]) for entry in data_types())


def workers(job: Job, number: int) -> Run:
    with processes(job, "drain", job.transfer_id, number) as started:
        began = time.perf_counter()
        for process in started:
            tell(process)
        reports = [report_of(process) for process in started]
        seconds = time.perf_counter() - began
    enter(job.database)
    must_have_succeeded(job)
    leave()
    cpu = sum(report["cpu"] for report in reports)
    return Run(seconds, cpu, [report["peak_mb"] for report in reports])


@contextmanager
def processes(job: Job, task: str, argument: int, number: int = 1) -> Iterator[list[subprocess.Popen[str]]]:
    """Worker processes that are started and wait for a line on standard input."""
    environment = {**os.environ, "DATABASE_URL": job.server.address(job.database, APPLICATION)}
    command = [sys.executable, "-m", "bench.worker", task, str(argument)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, env=environment, **pipes) for _ in range(number)]
    try:
        for process in started:
            heard = process.stdout.readline() if process.stdout else ""
            if heard != "ready\n":
                raise RuntimeError(f"A worker process of the benchmark did not start: {heard!r}")
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def tell(process: subprocess.Popen[str]) -> None:
    """Start its work."""
    if process.stdin:
        process.stdin.write("go\n")
        process.stdin.flush()


def report_of(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for the end of its work, and return its report."""
    stdout = process.stdout.readline() if process.stdout else ""
    if not stdout:
        raise RuntimeError("A worker process of the benchmark died; what it said stands above.")
    return dict(json.loads(stdout))


def must_have_succeeded(job: Job) -> None:
    transfer = Transfer.objects.get(pk=job.transfer_id)
    done = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED).count()
    if transfer.state != State.SUCCEEDED or done != len(job.pairs):
        failed = TransferPair.objects.filter(transfer=transfer).exclude(state=PairState.SUCCEEDED).first()
        why = failed.reason if failed else ""
        raise RuntimeError(f"The transfer ended as {transfer.state}, {done} of {len(job.pairs)} pairs. {why}")
