"""Run one round: confirm a bulk transfer, cause faults while it runs, and record what is observed."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from tests.harness.chaos import checker, undone
from tests.harness.chaos.faults import COSTS, FAULTS, LONG, Scene, strike
from tests.harness.chaos.ground import CONTROL, LIVE, Ground
from tests.harness.chaos.meddlers import OtherSystem, Visitor, beside
from tests.harness.chaos.poison import DEADLY_POISON, POISON, poison
from tests.harness.chaos.recovery import LONGEST, Outages, Recovery
from tests.harness.chaos.world import Bulk, confirmed_bulk
from transfers import actions
from transfers.engine.worker import MAX_ATTEMPTS

# A transfer counts as stuck after this many seconds without a finished pair, a fault or a repair.
STUCK = 120
UNDONE = 1 / 3  # share of the transfers that are undone afterwards
RETRIES = 3  # of an undo, without further faults
STATES = "SELECT state, count(*) FROM transfers_transferpair WHERE transfer_id = %s GROUP BY state"
ENDED = "SELECT finished_at IS NOT NULL FROM transfers_transfer WHERE id = %s"
ENDS = "SELECT source_id, state, code FROM transfers_transferpair WHERE transfer_id = %s"
TYPES = """
SELECT type, what, sum(n::int) FROM transfers_transferpair, jsonb_each(counts) AS t(type, numbers),
    jsonb_each_text(numbers) AS c(what, n)
WHERE transfer_id = %s AND state = 'succeeded' GROUP BY 1, 2
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass
class Observations:
    """What was observed in a round.

    `missed`: faults that had nothing to break, or were due after the transfer had ended.
    `recoveries`: seconds from each recovery of the site until the next pair was done.
    `poisoned`: numbers of poison pairs that were started, by kind.
    `types`: numbers of rows by data type and outcome.
    `refusals`: numbers of failed locks of the other system, by SQLSTATE.
    `undone`: the number of pairs that were undone afterwards.
    `deadlocks`: the number of deadlocks that PostgreSQL counted since its last crash.
    """

    faults: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    poisoned: Counter[str] = field(default_factory=Counter)
    types: Counter[tuple[str, str]] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    deadlocks: int = 0
    undone: int = 0
    waits: list[float] = field(default_factory=list)
    seconds: float = 0
    violations: list[str] = field(default_factory=list)


class PlannedFault(NamedTuple):
    """A fault that strikes at a random point of a batch: `delay` seconds after a fraction `share` of pairs is done."""

    share: float
    delay: float
    name: str


@dataclass(frozen=True)
class Plan:
    """The plan of a round, drawn from its seed.

    `chunk` is the number of pairs per chunk, or None for the default. `undo_faults` strike while the transfer is
    undone, or are None if it is not.
    """

    pairs: int
    chunk: int | None
    faults: Sequence[PlannedFault]
    poison: Sequence[str]
    stop_at: float | None
    locks: bool
    patience: float
    undo_faults: Sequence[PlannedFault] | None = None


def drawn_plan(draw: Random, pairs: int, faults: Sequence[str], patience: float, delay: float) -> Plan:
    pairs = draw.choice([pairs, pairs, pairs, pairs * 5 // 2])
    chunk = draw.choice([*(draw.randint(4, 20) for _ in range(7)), draw.randint(40, 150), None])
    # With few chunks, progress jumps from none to all pairs, so the faults do not wait for any progress.
    latest = 0.9 if chunk and chunk < pairs / 4 else 0

    def drawn(least: int, most: int) -> list[PlannedFault]:
        chosen = draw.choices(faults or list(FAULTS), k=draw.randint(least, most))
        return sorted(PlannedFault(draw.uniform(0, latest), draw.uniform(0, delay), name) for name in chosen)

    return Plan(
        pairs=pairs,
        chunk=chunk,
        faults=drawn(2, 5),
        poison=[kind for kind, of_it in POISON.items() if draw.random() < of_it.share],
        stop_at=draw.uniform(0.2, 0.9) if draw.random() < 0.12 else None,
        locks=draw.random() < 0.4,
        patience=LONG if patience >= LONG and draw.random() < 0.05 else min(patience, 6),
        undo_faults=drawn(1, 3) if draw.random() < UNDONE else None,
    )


class Round:
    def __init__(self, ground: Ground, plan: Plan, draw: Random) -> None:
        self.ground, self.plan, self.draw = ground, plan, draw
        self.seen = Observations()
        self.outages, self.recovery = Outages(), Recovery()
        self.left = list(plan.faults)
        self.strike_at: float | None = None
        self.observer: psycopg.Connection | None = None
        self.done = 0
        self.moved_at = 0.0
        self.is_stuck = False

    def run(self) -> Observations:
        began = time.monotonic()
        for name in (LIVE, CONTROL):
            self.ground.fresh(name)
        bulk = confirmed_bulk(self.draw, self.plan.pairs, self.plan.chunk)
        poisoned = poison(self.ground, bulk, self.plan.poison, self.draw)
        visitor = Visitor(self.ground, bulk, Random(self.draw.random()))
        other = OtherSystem(self.ground, bulk, Random(self.draw.random()), locks=self.plan.locks)
        try:
            with beside(visitor.look, other.write, other.lock):
                self.until_the_end(bulk)
        finally:
            self.mend_everything()
        self.record(bulk, visitor, other)
        self.seen.violations += self.violations(bulk, poisoned, visitor, other)
        if self.plan.undo_faults is not None and not self.is_stuck:
            self.seen.violations += self.undo(bulk, other)
        self.seen.seconds = time.monotonic() - began
        return self.seen

    # --- While it runs ----------------------------------------------------------------------------------------------

    def until_the_end(self, bulk: Bulk) -> None:
        scene = Scene(self.ground, bulk.transfer.pk, self.draw, self.plan.patience)
        self.moved_at = time.monotonic()
        stop_at, ended = self.plan.stop_at, False
        while not ended and not self.is_stuck:
            ended = self.look(bulk)
            self.recovery.watch(self.done + ended, self.is_recovered)
            self.ground.look_after()
            self.mend()
            share = self.done / len(bulk.pairs)
            if not ended and self.is_time_to_strike(share):
                self.strike(self.left.pop(0).name, scene)
            if stop_at is not None and share >= stop_at and ask_to_stop(bulk):
                stop_at = None
            self.is_stuck = time.monotonic() - self.moved_at > STUCK
            time.sleep(0.02)
        self.seen.missed += [fault.name for fault in self.left]

    def look(self, bulk: Bulk) -> bool:
        """Read the progress, and return whether the transfer has ended, or False if the database cannot be reached."""
        try:
            if self.observer is None or self.observer.closed:
                self.observer = self.ground.connect()
            # In this order: the states that are read after the end are final.
            ended = self.observer.execute(ENDED, [bulk.transfer.pk]).fetchone()
            self.seen.states = Counter(dict(self.observer.execute(STATES, [bulk.transfer.pk]).fetchall()))
        except psycopg.Error:
            self.observer = None
            return False
        if self.seen.states.total() != len(bulk.pairs):
            self.seen.violations.append(f"{self.seen.states} is not {len(bulk.pairs)} pairs")
        done = len(bulk.pairs) - self.seen.states["pending"]
        if done != self.done:
            self.done, self.moved_at = done, time.monotonic()
        return bool(ended and ended[0])

    def is_time_to_strike(self, share: float) -> bool:
        if self.left and self.strike_at is None and share >= self.left[0].share:
            self.strike_at = time.monotonic() + self.left[0].delay
        return self.strike_at is not None and time.monotonic() >= self.strike_at

    def strike(self, name: str, scene: Scene) -> None:
        self.strike_at = None
        if strike(name, scene, self.outages):
            self.seen.faults.append(name)
            self.recovery.broken()
            self.moved_at = time.monotonic()
        else:
            self.seen.missed.append(name)

    def is_recovered(self) -> bool:
        return not self.outages.waiting and self.ground.in_order()

    def mend(self) -> None:
        if self.outages.waiting:
            self.moved_at = time.monotonic()
            self.outages.mend()
        elif self.ground.restart_dead_servers():
            self.seen.violations.append("a server exited by itself")

    def mend_everything(self) -> None:
        self.ground.restart_dead_servers()
        end = time.monotonic() + STUCK
        while self.outages.waiting:
            self.ground.look_after()
            self.outages.mend(all_of_it=True)
            if time.monotonic() > end:
                raise TimeoutError(f"Not mended: {self.outages.waiting}")
            time.sleep(0.02)

    # --- Undo -------------------------------------------------------------------------------------------------------

    def undo(self, bulk: Bulk, other: OtherSystem) -> Iterator[str]:
        """Undo the transfer while faults strike, retry what failed, and yield what is not as before the transfer."""
        states, self.plan = self.seen.states, replace(self.plan, stop_at=None)
        undo = undone.confirmed_undo(bulk, self.plan.chunk)
        self.left, self.seen.undone = list(self.plan.undo_faults or ()), len(undo.pairs) if undo else 0
        for _ in range(1 + RETRIES):
            if undo and not self.is_stuck:
                self.done, self.strike_at, self.recovery = 0, None, Recovery()
                try:
                    self.until_the_end(undo)
                finally:
                    self.mend_everything()
                self.left = []
                undo = undone.confirmed_retry(undo)
        self.seen.states = states
        if self.is_stuck:
            yield f"no progress of the undo for {STUCK} s, at {self.done} pairs"
        else:
            yield from undone.violations(self.ground, bulk.transfer.pk, other.written)

    # --- Afterwards -------------------------------------------------------------------------------------------------

    def record(self, bulk: Bulk, visitor: Visitor, other: OtherSystem) -> None:
        seen = self.seen
        seen.recoveries = self.recovery.seconds
        seen.pages, seen.waits, seen.refusals = visitor.statuses, other.waits, other.refusals
        with self.ground.connect() as live:
            (seen.deadlocks,) = live.execute(DEADLOCKS).fetchone() or (0,)
            for data_type, what, rows in live.execute(TYPES, [bulk.transfer.pk]):
                seen.types[data_type, what] = rows

    def violations(
        self, bulk: Bulk, poisoned: Mapping[int, str], visitor: Visitor, other: OtherSystem
    ) -> Iterator[str]:
        yield from visitor.troubles(self.outages)
        for seconds in self.seen.recoveries:
            if seconds > LONGEST:
                yield f"the next pair took {seconds:.0f} s"
        with self.ground.connect() as live:
            ends = live.execute(ENDS, [bulk.transfer.pk]).fetchall()
        yield from self.ends_without_cause(ends, poisoned)
        if self.is_stuck:
            yield f"no progress for {STUCK} s, at {self.done} pairs"
        else:
            yield from checker.violations(self.ground, bulk.transfer.pk, other.written)

    def ends_without_cause(
        self, ends: Sequence[tuple[int, str, str]], poisoned: Mapping[int, str]
    ) -> Iterator[str]:
        """Yield a sentence for each failure that nothing in this round explains, and each poison pair that succeeded.

        Failures by a database constraint (`constraint`) are always accepted here, because `control` checks them.
        """
        for source, state, code in ends:
            kind = poisoned.get(source)
            if kind and state != "not started":
                self.seen.poisoned[kind] += 1
            if kind and state == "succeeded":
                yield f"the pair of {source}, which {kind}, was transferred"
            if state == "failed":
                self.seen.failures[f"{kind}: {code}" if kind else code] += 1
                if code not in self.codes_for(kind):
                    yield f"the pair of {source}{f', which {kind},' if kind else ''} failed with {code}"

    def codes_for(self, poison_of_it: str | None) -> Iterator[str]:
        """Yield the codes with which a pair may fail, given the faults of the round.

        A pair that runs alone spends an attempt on each refused lock and on each failure caused by its own poison, so
        a single death of its worker may use up the last attempt.
        """
        yield "constraint"
        lost = sum(COSTS.get(fault, 0) for fault in self.seen.faults)
        by_neighbours = MAX_ATTEMPTS - 1 if DEADLY_POISON.intersection(self.plan.poison) else 0
        if poison_of_it:
            yield POISON[poison_of_it].code
        if lost + by_neighbours >= MAX_ATTEMPTS or (lost and (self.plan.locks or poison_of_it)):
            yield "worker-died"
        if self.plan.locks:
            yield "records-locked"


def ask_to_stop(bulk: Bulk) -> bool:
    """Stop the transfer as the Stop button does. Return False if the database is unavailable."""
    with suppress(DatabaseError, InterfaceError):
        connection.close()
        actions.stop(by=bulk.transfer.requested_by, transfer=bulk.transfer)
        return True
    return False
