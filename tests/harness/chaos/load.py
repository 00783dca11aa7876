"""Measure page times and memory during bulk transfers: `python -m tests.harness.chaos.load`, or `make load`.

Two workers transfer 2,000 pairs in a database of about three million rows, two users browse the pages, and another
system writes rows for the users of the transfer. Exits with 1 if a page fails, if the 95th percentile of page times
exceeds a second, if a program uses over 20 % more memory at the end than early in the first transfer, or if a transfer
does not end within an hour.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import django
import psycopg

from tests.harness.chaos.ground import LIVE, TEMPLATE, Ground, ground

LIMIT = 1.0  # seconds, for the 95th percentile of page times
GROWTH = 1.2  # highest allowed ratio of a program's memory at the end to its memory early on
LONGEST = 3600  # seconds allowed for one bulk transfer
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
    parser.add_argument("--scale", type=float, default=0.3, help="records per user, as in seed_demo")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--visitors", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=0, help="repeat bulks for this time; at least one")
    options = parser.parse_args(arguments)
    with ground() as site:
        django.setup()
        site.make_template(options.users, options.scale, seed=1, small_disk=False)
        return measure(site, options)


@dataclass
class Totals:
    """Totals over all bulk transfers, with times in seconds."""

    bulks: int = 0
    pairs: int = 0
    rows: int = 0
    left: Counter[str] = field(default_factory=Counter)
    took: float = 0
    pages: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    batches: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def is_good(self) -> bool:
        """Return whether pages were fast and correct, and pairs failed only because data violates a constraint."""
        pages = percentile(self.pages, 95) <= LIMIT and set(self.statuses) == {200}
        return pages and set(self.left) <= {"constraint"}


def measure(site: Ground, options: argparse.Namespace) -> int:
    site.command("ALTER DATABASE {} RENAME TO {}", TEMPLATE, LIVE)
    with site.connect() as connection:
        connection.execute("ANALYZE")
        say("{:,} rows, {}", *connection.execute(SIZE).fetchone() or ())
    site.start_programs(fresh=False)
    seen, memory = Totals(), Memory(site)
    end = time.monotonic() + options.minutes * 60
    while not seen.bulks or time.monotonic() < end:
        one_bulk(site, options, seen, memory)
        memory.end_of_bulk()
        say("{} bulks, {:,} rows, {}", seen.bulks, seen.rows, "; ".join(memory.lines()))
    say(
        "{:,} pairs, {:,} rows in {:.0f} s; not transferred: {}",
        seen.pairs,
        seen.rows,
        seen.took,
        dict(seen.left),
    )
    say("pages: {}, by status {}", spread(seen.pages), dict(seen.statuses))
    say("batches: {}", spread(seen.batches))
    say("writes of the other system: {}", spread(seen.waits))
    say("memory in MB after a fifth of the first bulk, after each bulk, maximum:")
    for line in memory.lines():
        say("  {}", line)
    return 0 if seen.is_good() and memory.is_flat() else 1


def one_bulk(site: Ground, options: argparse.Namespace, seen: Totals, memory: "Memory") -> None:
    from tests.harness.chaos.late import CALLS
    from tests.harness.chaos.meddlers import OtherSystem, Visitor, beside
    from tests.harness.chaos.world import confirmed_bulk
    from transfers.actions.confirming import CHUNK_PAIRS

    bulk = confirmed_bulk(Random(1 + seen.bulks), options.pairs, CHUNK_PAIRS)
    visitors = [Visitor(site, bulk, Random(n), pause=0.2) for n in range(options.visitors)]
    other = OtherSystem(site, bulk, Random(2), locks=False, kinds=[CALLS])
    other.numbers = iter(range(10_000_000 * seen.bulks, 10_000_000 * (seen.bulks + 1)))
    began = time.monotonic()
    with beside(*(visitor.look for visitor in visitors), other.write), site.connect() as observer:
        while not ended(observer, bulk.transfer.pk):
            if time.monotonic() - began > LONGEST:
                sys.exit(f"The bulk has not ended after {LONGEST} s.")
            memory.look(seen.bulks + done(observer, bulk.transfer.pk) / len(bulk.pairs))
            time.sleep(0.5)
        seen.took += time.monotonic() - began
        seen.rows += (observer.execute(ROWS, [bulk.transfer.pk]).fetchone() or (0,))[0]
        seen.batches += [float(seconds) for _, seconds in observer.execute(BATCHES, [bulk.transfer.pk])]
        seen.left.update(code for (code,) in observer.execute(LEFT, [bulk.transfer.pk]))
    seen.bulks += 1
    seen.pairs += len(bulk.pairs)
    seen.waits += other.waits
    for visitor in visitors:
        seen.pages += visitor.times
        seen.statuses += visitor.statuses


LEFT = "SELECT code FROM transfers_transferpair WHERE transfer_id = %s AND state <> 'succeeded'"
DONE = "SELECT count(*) FROM transfers_transferpair WHERE transfer_id = %s AND state <> 'pending'"


def done(observer: psycopg.Connection, transfer_id: int) -> int:
    (number,) = observer.execute(DONE, [transfer_id]).fetchone() or (0,)
    return int(number)


def ended(observer: psycopg.Connection, transfer_id: int) -> bool:
    statement = "SELECT finished_at IS NOT NULL FROM transfers_transfer WHERE id = %s"
    (over,) = observer.execute(statement, [transfer_id]).fetchone() or (False,)
    return bool(over)


class Memory:
    """The resident memory of each program and its child processes, in MB."""

    def __init__(self, site: Ground) -> None:
        self.site = site
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.most: dict[str, float] = {}
        self.ends: dict[str, list[float]] = defaultdict(list)

    def look(self, share: float) -> None:
        for name, program in self.site.programs.items():
            now = sum(resident(pid) for pid in family(program.child.pid))
            if share >= 0.2:
                self.first.setdefault(name, now)
            self.last[name] = now
            self.most[name] = max(self.most.get(name, 0), now)

    def end_of_bulk(self) -> None:
        for name, now in self.last.items():
            self.ends[name].append(now)

    def is_flat(self) -> bool:
        return all(now <= GROWTH * self.first.get(name, now) for name, now in self.last.items())

    def lines(self) -> Iterator[str]:
        for name, ends in self.ends.items():
            after = " ".join(f"{now:.0f}" for now in ends)
            yield f"{name} {self.first.get(name, ends[0]):.0f}, {after}, {self.most[name]:.0f}"


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
    return f"{len(known):,}, median {p50:.3f} s, 95th percentile {p95:.3f} s, maximum {known[-1]:.2f} s"


def percentile(seconds: Sequence[float], share: int) -> float:
    known = sorted(seconds)
    return known[min(len(known) - 1, len(known) * share // 100)] if known else 0


def say(text: str, *values: object) -> None:
    print(text.format(*values), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
