"""What goes on beside a transfer: poisonous pairs, people at their browsers, and another system at the same tables."""

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

from tests.chaos.deadly.apps import DEADLY
from tests.chaos.faults import DATABASE_AWAY, WEB_AWAY
from tests.chaos.ground import Ground
from tests.chaos.late import KINDS, Kind, LateRow
from tests.chaos.recovery import Outages
from tests.chaos.world import Bulk

PATIENCE = 60  # seconds for a page
TIMED_OUT, NOBODY = -1, 0  # in place of a status

# --- Poison ---------------------------------------------------------------------------------------------------------

POISON = {
    "raises": "RAISE EXCEPTION 'a row that cannot be moved';",
    "kills its worker": f"RAISE NOTICE '{DEADLY}'; PERFORM pg_sleep(1);",
    "cuts its connection": "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1);",
}
TRIGGER = """
CREATE FUNCTION chaos_{n}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {what} RETURN NEW; END $$;
CREATE TRIGGER chaos_{n} BEFORE UPDATE ON quality_ccr FOR EACH ROW
WHEN (OLD.agent_id = {source} AND NEW.agent_id <> OLD.agent_id) EXECUTE FUNCTION chaos_{n}();
REVOKE EXECUTE ON FUNCTION chaos_{n}() FROM PUBLIC;
"""


# The codes with which such a pair fails.
YIELDS = {
    "raises": "database-error",
    "kills its worker": "worker-died",
    "cuts its connection": "worker-died",
}
# These cost the pairs beside theirs up to two of their three attempts: at the third each pair stands alone.
DEADLY_POISON = {"kills its worker", "cuts its connection"}


def poison(ground: Ground, kinds: Sequence[str], sources: Sequence[int]) -> dict[int, str]:
    """The nth source has records of the nth kind from now on; which source has what."""
    given = dict(zip(sources, kinds, strict=True))
    with ground.connect() as connection:
        for n, (source, kind) in enumerate(given.items()):
            connection.execute(TRIGGER.format(n=n, source=source, what=POISON[kind]))
    return given


# --- Threads that end with the round --------------------------------------------------------------------------------


@contextmanager
def beside(*acts: Callable[[], None]) -> Iterator[None]:
    """Each act over and over in a thread of its own, until the end of the block. Raises what broke one off."""
    over = threading.Event()
    errors: list[Exception] = []

    def repeat(act: Callable[[], None]) -> None:
        try:
            while not over.is_set():
                act()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=[act], daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE + 30)
    if errors:
        raise ExceptionGroup("What went on beside the transfer broke off.", errors)
    if any(thread.is_alive() for thread in threads):
        raise RuntimeError("What went on beside the transfer does not end.")


class Answer(NamedTuple):
    """What somebody got for a path, from when to when; `reconnects`: the page says so."""

    path: str
    status: int
    reconnects: bool
    began: float
    ended: float


class Visitor:
    """Somebody signed in who looks at the pages, one after the other, and is led to no other page than asked for."""

    def __init__(self, ground: Ground, bulk: Bulk, draw: Random, pause: float = 0.25) -> None:
        page = f"/transfers/{bulk.transfer.pk}/"
        self.paths = [page, f"{page}progress/", "/transfers/", "/transfer/", "/audit/"]
        self.port, self.cookie, self.draw, self.pause = ground.port, bulk.cookie, draw, pause
        self.answers: list[Answer] = []

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
        self.answers.append(Answer(path, status, reconnects, began, time.monotonic()))
        time.sleep(self.pause)

    def ask(self, path: str) -> tuple[int, bool]:
        headers = {"Cookie": f"sessionid={self.cookie}"}
        if path.endswith("progress/"):
            headers["HX-Request"] = "true"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, b"Reconnecting" in answer.read()
        except TimeoutError:
            return TIMED_OUT, False
        except (OSError, HTTPException):
            return NOBODY, False
        finally:
            connection.close()

    def troubles(self, outages: Outages) -> Iterator[str]:
        """A page may be away, or say that it reconnects, only while something is broken that explains it."""
        for answer in self.answers:
            away = {NOBODY: WEB_AWAY, 503: DATABASE_AWAY if answer.reconnects else set()}
            faults = away.get(answer.status, set())
            if answer.status != 200 and not outages.explain(faults, answer.began, answer.ended):
                yield f"{answer.path} answered {answer.status} after {answer.ended - answer.began:.1f} s"


class OtherSystem:
    """Writes rows for people while they are transferred, and locks records and users the wrong way round.

    `written`: every row that may have been committed; `waits`: seconds each write took; `refusals`: of its locks, by
    the database's code.
    """

    def __init__(
        self, ground: Ground, bulk: Bulk, draw: Random, *, locks: bool, kinds: Sequence[Kind] = KINDS
    ) -> None:
        self.ground, self.locks, self.kinds = ground, locks, kinds
        self.draw, self.draw_for_locks = Random(draw.random()), Random(draw.random())
        self.pairs = list(bulk.pairs)
        targets = dict(bulk.pairs)
        # Rows of a source that had none would have the target's overwritten, and that is no row of theirs alone.
        self.people = {
            kind.table: [(source, targets[source]) for source in bulk.sources_with[kind.data_type]]
            for kind in kinds
        }
        self.written: list[LateRow] = []
        self.waits: list[float] = []
        self.refusals: Counter[str] = Counter()
        self.numbers = iter(range(10_000_000))

    def write(self) -> None:
        """Whether a row was committed is unknown when the connection is lost meanwhile."""
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

    def quarrel(self) -> None:
        """Records first and users second, which is the other way round from the engine: some of it is a deadlock."""
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
