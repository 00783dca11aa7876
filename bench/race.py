"""A race between contestants (the implementations under test).

They take turns, each in a fresh copy of the same template database, and all must leave the same records.
"""

import io
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from accounts.models import User
from bench.check import Contents, contents, differences
from bench.contestants import Contestant, Job, Run
from bench.data import Pair
from bench.server import Server, enter, leave
from transfers import actions
from transfers.models import Transfer
from transfers.planning.plan import plan_of


class Disagreement(Exception):
    """Two contestants left different records."""


@dataclass
class Result:
    """The runs of one contestant.

    If it ran on a sample of the pairs, its times are multiplied by `times_sample` to extrapolate to all pairs.
    """

    runs: list[Run] = field(default_factory=list)
    times_sample: float = 1

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs) * self.times_sample

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs) * self.times_sample

    @property
    def spread(self) -> float:
        """(slowest - fastest) / median, a measure of noise."""
        times = [run.seconds for run in self.runs]
        return (max(times) - min(times)) / statistics.median(times)

    def to_json(self) -> dict[str, object]:
        found = {
            "seconds": round(self.seconds, 3),
            "runs": [round(run.seconds, 3) for run in self.runs],
            "spread": round(self.spread, 3),
            "cpu_seconds": round(self.cpu, 3),
        }
        sample = {"extrapolated_by": self.times_sample} if self.times_sample != 1 else {}
        return found | sample


@dataclass
class Prepared:
    """A confirmed transfer in a database, and the seconds that the upload, all counts and the confirmation took."""

    job: Job
    upload: float = 0
    preview: float = 0
    confirm: float = 0
    rows: int = 0  # of source and target users, as counted by the preview
    changed: int = 0


@contextmanager
def prepared(server: Server, template: str, pairs: Sequence[Pair], name: str) -> Iterator[Prepared]:
    """Yield a confirmed transfer that waits for a worker, in a copy of the template. Drop the copy after the block."""
    with server.fresh(template, name):
        enter(name)
        found = confirm(server, name, pairs)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        leave()
        yield found


def confirm(server: Server, name: str, pairs: Sequence[Pair]) -> Prepared:
    admin = User.objects.get(username="admin")
    began = time.perf_counter()
    draft = upload_pairs(admin, pairs)
    uploaded = time.perf_counter()
    plan = plan_of(draft, admin)
    seen, ticked = plan.hash, {warning.code for warning in plan.to_tick}
    shown = time.perf_counter()
    actions.confirm(by=admin, transfer=draft, plan_hash=seen, typed_count=len(pairs), ticked=ticked)
    confirmed = time.perf_counter()
    total = plan.totals
    return Prepared(
        Job(server, name, pairs, draft.pk),
        uploaded - began,
        shown - uploaded,
        confirmed - shown,
        rows=sum(line.source + line.target + line.children for line in total.lines),
        changed=total.transferred + total.dropped + total.deleted,
    )


def upload_pairs(admin: User, pairs: Sequence[Pair]) -> Transfer:
    lines = ["From User ID,To User ID", *(f"{source},{target}" for source, target in pairs)]
    stream = io.BytesIO("\r\n".join(lines).encode())
    return actions.upload(by=admin, file_name="people.csv", stream=stream)


def race(job: Job, contestants: Mapping[str, Contestant], rounds: int) -> dict[str, Result]:
    """Run the contestants in turn (A B C A B C …). Raise `Disagreement` if two of them leave different records."""
    results = {name: Result() for name in contestants}
    ends: dict[str, Contents] = {}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            run, end = measure(job, contestant)
            results[name].runs.append(run)
            ends[name] = end
            check_agreement(ends)
    return results


def measure(job: Job, contestant: Contestant) -> tuple[Run, Contents]:
    with job.server.fresh(job.database) as name:
        run = contestant(Job(job.server, name, job.pairs, job.transfer_id))
        return run, contents(job.server, name)


def check_agreement(ends: Mapping[str, Contents]) -> None:
    first, *others = ends
    for other in others:
        if found := differences(ends[first], ends[other]):
            raise Disagreement(f"{first} and {other} ended differently: " + "; ".join(found))
