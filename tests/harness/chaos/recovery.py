"""Track outages, and measure the time from each recovery of the site until the next pair is done."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

GRACE = 10  # seconds after an outage during which its effects may still be seen
LONGEST = 30  # seconds allowed from recovery until the next pair is done


class NotYet(Exception):
    """Raised if a repair is not possible yet and must be retried."""


class Mend(NamedTuple):
    """A repair: `act` is called after `after` seconds, and repeated as long as it raises NotYet or a database error."""

    after: float
    act: Callable[[], object]


@dataclass
class Outage:
    """The time during which a fault had an effect. `ended` is None while it lasts."""

    fault: str
    began: float
    ended: float | None = None

    def explains(self, began: float, ended: float) -> bool:
        """Return whether the outage overlapped with this period or ended at most GRACE seconds before it."""
        return self.began <= ended and (self.ended is None or began <= self.ended + GRACE)


class Outages(list[Outage]):
    """All outages of a round, and the repairs that are still due."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[float, Outage, Callable[[], object]]] = []

    def add(self, fault: str, began: float, mend: Mend | None) -> None:
        """Record an outage and schedule its repair. `began` is the time at which causing the fault began."""
        now = time.monotonic()
        self.append(Outage(fault, began, None if mend else now))
        if mend:
            self.waiting.append((now + mend.after, self[-1], mend.act))

    def lasts(self, fault: str) -> bool:
        return any(outage.fault == fault for _, outage, _ in self.waiting)

    def mend(self, *, all_of_it: bool = False) -> None:
        """Run the repairs that are due. Those that fail, because something else is broken too, are retried later."""
        now = time.monotonic()
        due = [entry for entry in self.waiting if all_of_it or entry[0] <= now]
        for entry in due:
            _, outage, act = entry
            self.waiting.remove(entry)
            try:
                act()
                outage.ended = time.monotonic()
            except (psycopg.Error, NotYet):
                self.waiting.append((time.monotonic() + 0.1, outage, act))

    def explain(self, faults: Collection[str], began: float, ended: float) -> bool:
        return any(outage.fault in faults and outage.explains(began, ended) for outage in self)


class Recovery:
    """Measures the time from each recovery of the site until the next pair is done or the transfer ends.

    `seconds` lists the measured times. The site has recovered when `is_recovered` first returns True after a fault.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.is_awaited = False
        self.recovered_at: float | None = None
        self.done_at_recovery = 0

    def broken(self) -> None:
        """Start a new measurement after a fault. If the current one already exceeds LONGEST, record it first."""
        if self.is_awaited and self.recovered_at and time.monotonic() - self.recovered_at > LONGEST:
            self.seconds.append(time.monotonic() - self.recovered_at)
        self.is_awaited, self.recovered_at = True, None

    def watch(self, done: int, is_recovered: Callable[[], bool]) -> None:
        """Update the measurement. Must be called often.

        `done` is the number of pairs done, plus one if the transfer has ended.
        """
        if not self.is_awaited:
            return
        if self.recovered_at is None:
            if is_recovered():
                self.recovered_at, self.done_at_recovery = time.monotonic(), done
        elif done > self.done_at_recovery:
            self.seconds.append(time.monotonic() - self.recovered_at)
            self.is_awaited = False
