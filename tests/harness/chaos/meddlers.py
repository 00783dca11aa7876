"""What disturbs a transfer apart from faults and poison: users who browse pages, and another system.

The other system writes to the same tables as the transfer.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import NamedTuple

import psycopg

from tests.harness.chaos.faults import DATABASE_FAULTS, WEB_FAULTS
from tests.harness.chaos.ground import Ground
from tests.harness.chaos.late import KINDS, LateKind, LateRow
from tests.harness.chaos.recovery import Outages
from tests.harness.chaos.world import Bulk

TIMEOUT = 60  # seconds to wait for a page
TIMED_OUT, NO_RESPONSE = -1, 0  # used in place of an HTTP status


# --- Background threads of a round ----------------------------------------------------------------------------------


@contextmanager
def beside(*functions: Callable[[], None]) -> Iterator[None]:
    """Repeat each function in its own thread until the block ends, then raise the errors of the threads, if any."""
    over = threading.Event()
    errors: list[Exception] = []

    def repeat(function: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                function()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=[function], daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(TIMEOUT + 30)
    if errors:
        raise ExceptionGroup("A background thread failed.", errors)
    if any(thread.is_alive() for thread in threads):
        raise RuntimeError("A background thread does not end.")


class PageView(NamedTuple):
    """A response, with the start and end of its request. `reconnects` means that the page says “Reconnecting”."""

    path: str
    status: int
    reconnects: bool
    began: float
    ended: float


class Visitor:
    """A signed-in user who requests one page after another and must never be redirected."""

    def __init__(self, ground: Ground, bulk: Bulk, draw: Random, pause: float = 0.25) -> None:
        page = f"/transfers/{bulk.transfer.number}/"
        self.paths = [page, f"{page}progress/", "/transfers/", "/transfer/", "/audit/"]
        self.port, self.cookie, self.draw, self.pause = ground.port, bulk.cookie, draw, pause
        self.answers: list[PageView] = []

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    @property
    def times(self) -> list[float]:
        return [answer.ended - answer.began for answer in self.answers]

    def look(self) -> None:
        path = self.draw.choice(self.paths)
        began = time.monotonic()
        status, reconnects = self.ask(path)
        self.answers.append(PageView(path, status, reconnects, began, time.monotonic()))
        time.sleep(self.pause)

    def ask(self, path: str) -> tuple[int, bool]:
        headers = {"Cookie": f"sessionid={self.cookie}"}
        if path.endswith("progress/"):
            headers["HX-Request"] = "true"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, b"Reconnecting" in answer.read()
        except TimeoutError:
            return TIMED_OUT, False
        except (OSError, HTTPException):
            return NO_RESPONSE, False
        finally:
            connection.close()

    def troubles(self, outages: Outages) -> Iterator[str]:
        """Yield a sentence for each response whose status is not 200 and that no outage explains."""
        for answer in self.answers:
            explanations = {NO_RESPONSE: WEB_FAULTS, 503: DATABASE_FAULTS if answer.reconnects else set()}
            faults = explanations.get(answer.status, set())
            if answer.status != 200 and not outages.explain(faults, answer.began, answer.ended):
                yield f"{answer.path} answered {answer.status} after {answer.ended - answer.began:.1f} s"


class OtherSystem:
    """Another program that writes rows for users during their transfer, and that may lock records before users.

    `written` lists all rows that may have been committed, `waits` the seconds that each write took, and `refusals`
    counts the failed locks by SQLSTATE.
    """

    def __init__(
        self, ground: Ground, bulk: Bulk, draw: Random, *, locks: bool, kinds: Sequence[LateKind] = KINDS
    ) -> None:
        self.ground, self.locks, self.kinds = ground, locks, kinds
        self.draw, self.draw_for_locks = Random(draw.random()), Random(draw.random())
        self.pairs = list(bulk.pairs)
        targets = dict(bulk.pairs)
        # Only sources that already have records of the type get late rows. Otherwise, the new row would be the source's
        # only record, and would cause all of the target's records to be overwritten.
        self.people = {
            kind.table: [(source, targets[source]) for source in bulk.sources_with[kind.data_type]]
            for kind in kinds
        }
        self.written: list[LateRow] = []
        self.waits: list[float] = []
        self.refusals: Counter[str] = Counter()
        self.numbers = iter(range(10_000_000))

    def write(self) -> None:
        """Write one row. If the connection is lost, the row may or may not have been committed."""
        kind, number = self.draw.choice(self.kinds), next(self.numbers)
        source, target = self.draw.choice(self.people[kind.table])
        try:
            with self.ground.connect() as connection:
                began, at = time.monotonic(), clock(connection)
                self.written.append(LateRow(kind, number, source, target, at, False, None))
                connection.execute(kind.insert, {"source": source, "target": target, "number": number})
                self.written[-1] = self.written[-1]._replace(is_certain=True)
                self.waits.append(time.monotonic() - began)
                self.written[-1] = self.written[-1]._replace(committed=clock(connection))
        except psycopg.Error:
            time.sleep(0.3)
            return
        time.sleep(self.draw.uniform(0.02, 0.2))

    def lock(self) -> None:
        """Lock records first and users second. The engine locks them in the opposite order, so some deadlocks occur."""
        if not self.locks:
            time.sleep(0.2)
            return
        draw = self.draw_for_locks
        users = [user for pair in draw.sample(self.pairs, 2) for user in pair]
        try:
            with self.ground.connect() as connection, connection.transaction():
                connection.execute("SELECT FROM quality_ccr WHERE agent_id = ANY(%s) FOR UPDATE", [users[:2]])
                time.sleep(draw.uniform(0, 0.3))
                connection.execute(
                    "SELECT FROM workforce_agentschedule WHERE user_id = ANY(%s) FOR UPDATE", [users[2:]]
                )
                connection.execute("SELECT FROM accounts_user WHERE id = ANY(%s) FOR UPDATE", [users])
                time.sleep(draw.uniform(0, 0.3))
        except psycopg.Error as error:
            self.refusals[error.sqlstate or "connection lost"] += 1
            time.sleep(0.1)
        time.sleep(draw.uniform(0, 0.3))


def clock(connection: psycopg.Connection) -> datetime:
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
