"""How quick the pages stay while a bulk runs: `python -m tests.chaos.load`, which is `make load`.

Two workers move 2,000 pairs over about three million rows, two people look at one page after the other, and another
system writes rows for the very people who are moved. Says what was seen, and ends with 1 when a page failed or the
slowest twentieth of them took longer than a second.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import django
import psycopg

from tests.chaos.ground import LIVE, TEMPLATE, Ground, ground

LIMIT = 1.0  # seconds, for 95 of 100 pages
BATCHES = """
SELECT count(*), extract(epoch FROM max(finished_at) - min(started_at)) FROM transfers_transferpair
WHERE transfer_id = %s AND state = 'succeeded' GROUP BY xmin::text
"""
ROWS = """
SELECT sum((numbers->>'source')::bigint + coalesce((numbers->>'replaced')::bigint, 0))
FROM transfers_transferpair, jsonb_each(counts) AS t(type, numbers) WHERE transfer_id = %s
"""
SIZE = "SELECT sum(n_live_tup)::bigint, pg_size_pretty(pg_database_size(current_database())) FROM pg_stat_user_tables"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=4200)
    parser.add_argument("--scale", type=float, default=0.3, help="rows of each person, as in seed_demo")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--visitors", type=int, default=2)
    options = parser.parse_args(arguments)
    with ground() as site:
        django.setup()
        site.make_template(options.users, options.scale, seed=1, small_disk=False)
        return measure(site, options)


def measure(site: Ground, options: argparse.Namespace) -> int:
    from tests.chaos.meddlers import OtherSystem, Visitor, beside
    from tests.chaos.world import confirmed_bulk
    from transfers.actions.confirming import CHUNK_PAIRS

    site.command("ALTER DATABASE {} RENAME TO {}", TEMPLATE, LIVE)
    with site.connect() as connection:
        connection.execute("ANALYZE")
        say("{:,} rows, {}", *connection.execute(SIZE).fetchone() or ())
    site.start_programs(fresh=False)
    memory = Memory(site)
    bulk = confirmed_bulk(Random(1), options.pairs, CHUNK_PAIRS)
    visitors = [Visitor(site, bulk, pause=0.2) for _ in range(options.visitors)]
    other = OtherSystem(site, bulk, Random(2), locks=False)
    began = time.monotonic()
    with beside(*(visitor.look for visitor in visitors), other.write), site.connect() as observer:
        while not ended(observer, bulk.transfer.pk):
            memory.look(done(observer, bulk.transfer.pk) / len(bulk.pairs))
            time.sleep(0.5)
        took = time.monotonic() - began
        rows = (observer.execute(ROWS, [bulk.transfer.pk]).fetchone() or (0,))[0]
        batches = [float(seconds) for _, seconds in observer.execute(BATCHES, [bulk.transfer.pk])]
        left = len(bulk.pairs) - done(observer, bulk.transfer.pk, "succeeded")
    times = [seconds for visitor in visitors for seconds in visitor.times]
    statuses = sum((visitor.statuses for visitor in visitors), start=type(visitors[0].statuses)())
    say("{:,} pairs, {:,} rows in {:.0f} s; {} not transferred", len(bulk.pairs), rows, took, left)
    say("pages: {}, by status {}", spread(times), dict(statuses))
    say("batches: {}", spread(batches))
    say("another system's writes: {}", spread(other.waits))
    say("memory in MB, when a fifth was done, at the end, at most:")
    for line in memory.lines():
        say("  {}", line)
    return 0 if percentile(times, 95) <= LIMIT and set(statuses) == {200} and not left else 1


DONE = "SELECT count(*) FROM transfers_transferpair WHERE transfer_id = %s AND state LIKE %s AND state <> 'pending'"


def done(observer: psycopg.Connection, transfer_id: int, state: str = "%") -> int:
    (number,) = observer.execute(DONE, [transfer_id, state]).fetchone() or (0,)
    return int(number)


def ended(observer: psycopg.Connection, transfer_id: int) -> bool:
    statement = "SELECT finished_at IS NOT NULL FROM transfers_transfer WHERE id = %s"
    (over,) = observer.execute(statement, [transfer_id]).fetchone() or (False,)
    return bool(over)


class Memory:
    """The resident memory of each program with its children, as Linux counts it."""

    def __init__(self, site: Ground) -> None:
        self.site = site
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.most: dict[str, float] = {}

    def look(self, share: float) -> None:
        for name, program in self.site.programs.items():
            now = sum(resident(pid) for pid in family(program.child.pid))
            if share >= 0.2:
                self.first.setdefault(name, now)
            self.last[name] = now
            self.most[name] = max(self.most.get(name, 0), now)

    def lines(self) -> Iterator[str]:
        for name, last in self.last.items():
            yield f"{name:<8} {self.first.get(name, last):6.0f} {last:6.0f} {self.most[name]:6.0f}"


def family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0)


def spread(seconds: Iterable[float]) -> str:
    known = sorted(seconds)
    if not known:
        return "none"
    p50, p95 = (percentile(known, share) for share in (50, 95))
    return f"{len(known):,}, median {p50:.3f} s, 95 of 100 within {p95:.3f} s, worst {known[-1]:.2f} s"


def percentile(seconds: Sequence[float], share: int) -> float:
    known = sorted(seconds)
    return known[min(len(known) - 1, len(known) * share // 100)] if known else 0


def say(text: str, *values: object) -> None:
    print(text.format(*values), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
