"""The report of a rehearsal, which is stored as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transfers.engine.failures.reasons import Failure
from transfers.engine.stage import Counts
from transfers.rehearsal.table_locks import Locks, add_locks


@dataclass(frozen=True)
class Result:
    """The result of one pair: its counts, or why it failed."""

    row_number: int
    counts: Counts
    failure: Failure | None = None


@dataclass
class Report:
    """What a rehearsal has found so far.

    `done` are the row numbers of the pairs that were tried, `failures` the reasons by row number. `counts` add up what
    the other pairs did, and `planned` what the preview says of the same pairs; `differing` are the rows in which these
    differ. `chunks` are {"chunk": 0, "pairs": 500, "failed": 1, "seconds": 3.2}, one for each turn of a worker.
    `locks` has the strongest lock on each table and the longest time that a batch held it:
    {"quality_ccr": ["RowExclusiveLock", 0.84]}.
    """

    done: list[int] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)
    planned: Counts = field(default_factory=dict)
    differing: list[int] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    locks: Locks = field(default_factory=dict)

    @property
    def succeeded(self) -> int:
        return len(self.done) - len(self.failures)

    @property
    def seconds(self) -> float:
        return sum(float(chunk["seconds"]) for chunk in self.chunks)

    def add_results(
        self, chunk: int, seconds: float, results: Iterable[Result], planned: Mapping[int, Counts]
    ) -> None:
        failed = len(self.failures)
        before = len(self.done)
        for result in results:
            self.add_result(result, planned.get(result.row_number, {}))
        numbers = {"pairs": len(self.done) - before, "failed": len(self.failures) - failed}
        self.chunks.append({"chunk": chunk, **numbers, "seconds": round(seconds, 3)})

    def add_result(self, result: Result, planned: Counts) -> None:
        self.done.append(result.row_number)
        if result.failure:
            self.failures[result.row_number] = result.failure
            return
        add(self.counts, result.counts)
        add(self.planned, planned)
        if without_zeros(result.counts) != without_zeros(planned):
            self.differing.append(result.row_number)

    def add_locks(self, locks: Locks) -> None:
        for table, (mode, seconds) in locks.items():
            add_locks(self.locks, {table: mode}, seconds)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def report_from(stored: Mapping[str, Any]) -> Report:
    facts = dict(stored)
    failures = {int(row): Failure(**failure) for row, failure in facts.pop("failures", {}).items()}
    locks = {table: (mode, seconds) for table, (mode, seconds) in facts.pop("locks", {}).items()}
    return Report(failures=failures, locks=locks, **facts)


def add(totals: Counts, counts: Counts) -> None:
    for data_type, numbers in counts.items():
        total = totals.setdefault(data_type, {})
        for what, n in numbers.items():
            total[what] = total.get(what, 0) + n


def without_zeros(counts: Counts) -> Counts:
    kept = {key: {what: n for what, n in numbers.items() if n} for key, numbers in counts.items()}
    return {key: numbers for key, numbers in kept.items() if numbers}
