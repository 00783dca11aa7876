"""What is broken, since when and until when, and how long it takes until the next pair once all is there again."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

GRACE = 10  # seconds after which nothing of an outage may show any more
LONGEST = 30  # seconds until the next pair, once everything is there


class NotYet(Exception):
    """It cannot be mended now; try again soon."""


class Mend(NamedTuple):
    """`after` seconds, `act`, which is repeated while it raises NotYet or an error of the database."""

    after: float
    act: Callable[[], object]


@dataclass
class Outage:
    """One fault that struck. `ended`: None while it lasts."""

    fault: str
    began: float
    ended: float | None = None

    def explains(self, began: float, ended: float) -> bool:
        """Was it there at some time between the two, or had it hardly passed?"""
        return self.began <= ended and (self.ended is None or began <= self.ended + GRACE)


class Outages(list[Outage]):
    """All of a round."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[float, Outage, Callable[[], object]]] = []

    def add(self, fault: str, began: float, mend: Mend | None) -> None:
        """began: before it struck, which may have taken a while."""
        now = time.monotonic()
        self.append(Outage(fault, began, None if mend else now))
        if mend:
            self.waiting.append((now + mend.after, self[-1], mend.act))

    def lasts(self, fault: str) -> bool:
        return any(outage.fault == fault for _, outage, _ in self.waiting)

    def mend(self, *, all_of_it: bool = False) -> None:
        """What is due; what cannot be mended yet, because something else is broken as well, is tried again."""
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
    """`seconds`: from when all was there again to the next pair, or to the end of the transfer, one after another."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.is_awaited = False
        self.there_at: float | None = None
        self.done_then = 0

    def broken(self) -> None:
        """Something struck. A wait that was too long already is not forgotten for that."""
        if self.is_awaited and self.there_at and time.monotonic() - self.there_at > LONGEST:
            self.seconds.append(time.monotonic() - self.there_at)
        self.is_awaited, self.there_at = True, None

    def watch(self, done: int, is_all_there: Callable[[], bool]) -> None:
        """done: the pairs so far, and one more for the end. To be asked again and again."""
        if not self.is_awaited:
            return
        if self.there_at is None:
            if is_all_there():
                self.there_at, self.done_then = time.monotonic(), done
        elif done > self.done_then:
            self.seconds.append(time.monotonic() - self.there_at)
            self.is_awaited = False
