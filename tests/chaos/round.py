"""One round: a confirmed bulk, what is broken while it runs, and what was seen of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from tests.chaos import checker
from tests.chaos.faults import DATABASE_AWAY, FAULTS, Scene, strike
from tests.chaos.ground import CONTROL, LIVE, Ground
from tests.chaos.meddlers import POISON, OtherSystem, Visitor, beside, poison
from tests.chaos.world import Bulk, confirmed_bulk
from transfers import actions

STUCK = 120  # seconds without a pair while everything is there
SOON = 30  # seconds until the next pair, once everything is there
STATES = "SELECT state, count(*) FROM transfers_transferpair WHERE transfer_id = %s GROUP BY state"
ENDED = "SELECT finished_at IS NOT NULL FROM transfers_transfer WHERE id = %s"
CODES = "SELECT source_id, code FROM transfers_transferpair WHERE transfer_id = %s AND state = 'failed'"
# How a pair that is not poisonous may end, and what must have been going on.
MAY_FAIL = {
    "worker-died": "a worker died three times at it",
    "records-locked": "another system held its records",
}


@dataclass
class Seen:
    """What a round was like. `recoveries`: seconds from when all was there again to the next pair."""

    faults: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    pages: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    seconds: float = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a round does, all of it drawn from its seed. `faults`: at which share of the pairs, and what."""

    pairs: int
    chunk: int
    faults: Sequence[tuple[float, str]]
    poison: Sequence[str]
    stop_at: float | None
    locks: bool
    patience: float


def drawn_plan(draw: Random, pairs: int, faults: Sequence[str], patience: float) -> Plan:
    chosen = draw.choices(faults or list(FAULTS), k=draw.randint(2, 5))
    return Plan(
        pairs=pairs,
        chunk=draw.randint(4, 20),
        faults=sorted((draw.uniform(0, 0.95), name) for name in chosen),
        poison=[kind for kind in POISON if draw.random() < 0.12],
        stop_at=draw.uniform(0.2, 0.9) if draw.random() < 0.12 else None,
        locks=draw.random() < 0.4,
        patience=60 if patience > 30 and draw.random() < 0.05 else min(patience, 6),
    )


class Round:
    def __init__(self, ground: Ground, plan: Plan, draw: Random) -> None:
        self.ground, self.plan, self.draw = ground, plan, draw
        self.seen = Seen()
        self.mends: list[tuple[float, Callable[[], None]]] = []
        self.left = list(plan.faults)
        self.observer: psycopg.Connection | None = None
        self.done = 0
        self.moved_at = time.monotonic()
        self.broken_at_done: int | None = None
        self.there_at: float | None = None

    def run(self) -> Seen:
        began = time.monotonic()
        for name in (LIVE, CONTROL):
            self.ground.fresh(name)
        bulk = confirmed_bulk(self.draw, self.plan.pairs, self.plan.chunk)
        poisoned = poison(self.ground, self.plan.poison, bulk.talkers)
        visitor = Visitor(self.ground, bulk)
        other = OtherSystem(self.ground, bulk, Random(self.draw.random()), locks=self.plan.locks)
        try:
            with beside(visitor.look, other.write, other.quarrel):
                self.until_the_end(bulk)
        finally:
            self.mend_everything()
        self.seen.violations += self.judged(bulk, poisoned, visitor, other)
        self.seen.pages, self.seen.waits = visitor.statuses, other.waits
        self.seen.seconds = time.monotonic() - began
        return self.seen

    # --- While it runs ----------------------------------------------------------------------------------------------

    def until_the_end(self, bulk: Bulk) -> None:
        scene = Scene(self.ground, bulk.transfer.pk, self.draw, self.plan.patience)
        self.moved_at = time.monotonic()
        stop_at = self.plan.stop_at
        while not self.look(bulk):
            self.ground.look_after()
            self.mend()
            share = self.done / len(bulk.pairs)
            if self.left and share >= self.left[0][0]:
                self.strike(self.left.pop(0)[1], scene)
            if stop_at is not None and share >= stop_at and ask_to_stop(bulk):
                stop_at = None
            self.watch_recovery()
            if self.is_stuck():
                self.seen.violations.append(f"nothing has moved for {STUCK} s, at {self.done} pairs")
                return
            time.sleep(0.02)

    def look(self, bulk: Bulk) -> bool:
        """Has it ended? Unknown is no."""
        try:
            if self.observer is None or self.observer.closed:
                self.observer = self.ground.connect()
            self.seen.states = Counter(dict(self.observer.execute(STATES, [bulk.transfer.pk]).fetchall()))
            ended = self.observer.execute(ENDED, [bulk.transfer.pk]).fetchone()
        except psycopg.Error:
            self.observer = None
            return False
        if self.seen.states.total() != len(bulk.pairs):
            self.seen.violations.append(f"{self.seen.states} is not {len(bulk.pairs)} pairs")
        done = len(bulk.pairs) - self.seen.states["pending"]
        if done != self.done:
            self.done, self.moved_at = done, time.monotonic()
        return bool(ended and ended[0])

    def strike(self, name: str, scene: Scene) -> None:
        self.seen.faults.append(name)
        mend = strike(name, scene)
        if mend:
            self.mends.append((time.monotonic() + mend.after, mend.act))
        self.broken_at_done, self.there_at = self.done, None

    def mend(self) -> None:
        now = time.monotonic()
        due = [act for at, act in self.mends if at <= now]
        self.mends = [(at, act) for at, act in self.mends if at > now]
        for act in due:
            self.try_to_mend(act)
        if not self.mends:
            self.ground.start_fallen_servers()

    def try_to_mend(self, act: Callable[[], None]) -> None:
        """What cannot be mended yet, because something else is broken as well, is tried again."""
        try:
            act()
        except psycopg.Error:
            self.mends.append((time.monotonic() + 1, act))

    def mend_everything(self) -> None:
        while self.mends:
            self.mends = [(0, act) for _, act in self.mends]
            self.ground.start_fallen_servers()
            self.mend()
        self.ground.start_fallen_servers()

    def watch_recovery(self) -> None:
        if self.broken_at_done is None or self.mends:
            return
        if self.there_at is None:
            if self.ground.in_order():
                self.there_at, self.broken_at_done = time.monotonic(), self.done
                self.moved_at = self.there_at
        elif self.done > self.broken_at_done:
            self.seen.recoveries.append(time.monotonic() - self.there_at)
            self.broken_at_done = None

    def is_stuck(self) -> bool:
        return not self.mends and self.ground.in_order() and time.monotonic() - self.moved_at > STUCK

    # --- Afterwards -------------------------------------------------------------------------------------------------

    def judged(
        self, bulk: Bulk, poisoned: dict[int, str], visitor: Visitor, other: OtherSystem
    ) -> Iterator[str]:
        yield from visitor.troubles
        if visitor.statuses[503] and not DATABASE_AWAY.intersection(self.seen.faults):
            yield f"{visitor.statuses[503]} pages said that they reconnect, and the database was there"
        yield from (
            f"it took {seconds:.0f} s until the next pair"
            for seconds in self.seen.recoveries
            if seconds > SOON
        )
        with self.ground.connect() as live:
            failed = dict(live.execute(CODES, [bulk.transfer.pk]).fetchall())
        yield from self.failures_without_cause(failed, poisoned)
        if not self.seen.violations:
            yield from checker.violations(self.ground, bulk.transfer.pk, other.written)

    def failures_without_cause(self, failed: dict[int, str], poisoned: dict[int, str]) -> Iterator[str]:
        for source, code in failed.items():
            kind = poisoned.get(source)
            self.seen.failures[f"{kind}: {code}" if kind else code] += 1
            if not kind and code not in (*MAY_FAIL, "constraint"):
                yield f"the pair of {source} failed with {code}"
        for source, kind in poisoned.items():
            if source not in failed and self.plan.stop_at is None:
                yield f"the pair of {source}, which {kind}, did not fail"


def ask_to_stop(bulk: Bulk) -> bool:
    """As the button does; tried again later when the database is away."""
    with suppress(DatabaseError, InterfaceError):
        connection.close()
        actions.stop(by=bulk.transfer.requested_by, transfer=bulk.transfer)
        return True
    return False
