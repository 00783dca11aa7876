"""What goes on beside a transfer: poisonous pairs, people at their browsers, and another system at the same tables."""

import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import psycopg

from tests.chaos.deadly.apps import DEADLY
from tests.chaos.ground import Ground
from tests.chaos.world import Bulk

# Contact records that were written while the transfer ran have contact ids from here on.
LATE = 9_000_000_000_000_000

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
"""


def poison(ground: Ground, kinds: Sequence[str], sources: Sequence[int]) -> dict[int, str]:
    """The nth source has records of the nth kind from now on; which source has what."""
    given = dict(zip(sources, kinds, strict=False))
    with ground.connect() as connection:
        for n, (source, kind) in enumerate(given.items()):
            connection.execute(TRIGGER.format(n=n, source=source, what=POISON[kind]))
    return given


# --- Threads that end with the round --------------------------------------------------------------------------------


@contextmanager
def beside(*acts: Callable[[], None]) -> Iterator[None]:
    """Each act over and over in a thread of its own, until the end of the block."""
    over = threading.Event()

    def repeat(act: Callable[[], None]) -> None:
        while not over.is_set():
            act()

    threads = [threading.Thread(target=repeat, args=[act], daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


class Visitor:
    """Somebody signed in who looks at the pages; `statuses`, `times` in seconds, and `troubles` in words."""

    def __init__(self, ground: Ground, bulk: Bulk, pause: float = 0.25) -> None:
        page = f"/transfers/{bulk.transfer.pk}/"
        self.paths = [page, f"{page}progress/", "/transfers/", "/", "/audit/"]
        self.address, self.cookie, self.pause = ground.address, bulk.cookie, pause
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []
        self.troubles: list[str] = []

    def look(self) -> None:
        path = random.choice(self.paths)
        headers = {"Cookie": f"sessionid={self.cookie}"}
        if path.endswith("progress/"):
            headers["HX-Request"] = "true"
        began = time.monotonic()
        status = self.status_of(urllib.request.Request(self.address + path, headers=headers))
        self.times.append(time.monotonic() - began)
        self.statuses[status] += 1
        if status not in (0, 200, 503):
            self.troubles.append(f"{path} answered {status}")
        time.sleep(self.pause)

    def status_of(self, request: urllib.request.Request) -> int:
        """0 where nobody answered, because the web server is being started again."""
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


class OtherSystem:
    """Writes records for the sources while they are transferred, and locks records and users the wrong way round.

    `written`: contact id -> source, of rows that were certainly committed; `waits`: seconds each write took.
    """

    def __init__(self, ground: Ground, bulk: Bulk, draw: Random, *, locks: bool) -> None:
        self.ground, self.draw, self.locks = ground, draw, locks
        self.pairs = list(bulk.pairs)
        self.talkers = list(bulk.talkers)
        self.written: dict[int, int] = {}
        self.waits: list[float] = []
        self.numbers = iter(range(LATE, LATE + 10_000_000))

    def write(self) -> None:
        """One row for a source; whether it was committed is unknown when the connection is lost meanwhile."""
        source, number = self.draw.choice(self.talkers), next(self.numbers)
        began = time.monotonic()
        try:
            with self.ground.connect() as connection:
                connection.execute(ONE_CALL, [source, number])
        except psycopg.Error:
            time.sleep(0.3)
            return
        self.waits.append(time.monotonic() - began)
        self.written[number] = source
        time.sleep(self.draw.uniform(0.02, 0.2))

    def quarrel(self) -> None:
        """Records first and users second, which is the other way round from the engine: some of it is a deadlock."""
        if not self.locks:
            time.sleep(0.2)
            return
        users = [user for pair in self.draw.sample(self.pairs, 2) for user in pair]
        try:
            with self.ground.connect() as connection, connection.transaction():
                connection.execute("SELECT FROM quality_ccr WHERE agent_id = ANY(%s) FOR UPDATE", [users[:2]])
                time.sleep(self.draw.uniform(0, 0.3))
                connection.execute(
                    "SELECT FROM workforce_agentschedule WHERE user_id = ANY(%s) FOR UPDATE", [users[2:]]
                )
                connection.execute("SELECT FROM accounts_user WHERE id = ANY(%s) FOR UPDATE", [users])
                time.sleep(self.draw.uniform(0, 0.3))
        except psycopg.Error:
            time.sleep(0.1)
        time.sleep(self.draw.uniform(0, 0.3))


ONE_CALL = """
INSERT INTO quality_ccr (
    agent_id, contact_id, channel, direction, calling_number, called_number, started_at, ended_at, hold_seconds
)
VALUES (%s, %s, 'voice', 'inbound', '', '', now(), now(), 0)
"""
