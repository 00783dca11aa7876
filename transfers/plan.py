"""What will happen: the pairs, what is wrong with them, and how many rows of each data type move or go.

The screen shows a plan, the person confirms its hash, and the confirmation is refused when the plan has another hash
by then. Counts come from the same compiled rules that the run uses.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.db.models import Q
from django.utils.timezone import localtime

from accounts.models import User
from transfers.counts import Pair, count_pairs, judge_counted
from transfers.engine.stage import Counts
from transfers.models import DraftRow, PairState, Transfer, TransferPair
from transfers.people_csv import FROM_USER_ID, TO_USER_ID
from transfers.problems import Problem
from transfers.registry import data_types
from transfers.rows import candidate
from transfers.rules import DataType, keeping_target
from transfers.validation import (
    CandidateRow,
    Facts,
    UserFacts,
    gather,
    judge_file,
    judge_rows,
    kinds,
    with_suggestions,
)

# So many pairs take well under a second, whatever they own; more of them are counted in the background.
COUNTED_AT_ONCE = 100


@dataclass(frozen=True)
class ImpactLine:
    """The rows of one data type. `source` = `moved` + `dropped` + `merged`; `replaced` rows of the target go, and
    `children` are the rows that go with these, or with dropped ones."""

    data_type: DataType
    source: int = 0
    target: int = 0
    moved: int = 0
    dropped: int = 0
    merged: int = 0
    replaced: int = 0
    children: int = 0

    @property
    def combined(self) -> int:
        """Rows of the source that reach the target, as they are or merged into one of the target's."""
        return self.moved + self.merged

    @property
    def deleted(self) -> int:
        """Rows deleted from the target, with what hangs on them. Else `children` went with dropped ones."""
        return self.replaced + self.children if self.replaced else 0

    @property
    def kept(self) -> bool:
        """Overwrite, and the source has nothing to overwrite with: the target keeps its rows (design.md 3, row 2)."""
        return self.data_type.overwrites and self.target > 0 and not self.source


@dataclass(frozen=True)
class Impact:
    """Lines in the order of the registry; types without any row are left out."""

    lines: tuple[ImpactLine, ...] = ()

    @cached_property
    def source(self) -> int:
        return sum(line.source for line in self.lines)

    @cached_property
    def combined(self) -> int:
        return sum(line.combined for line in self.lines)

    @cached_property
    def dropped(self) -> int:
        return sum(line.dropped for line in self.lines)

    @cached_property
    def deleted(self) -> int:
        return sum(line.deleted for line in self.lines)


def impact_of(counts: Counts, *, keep_target: bool = False) -> Impact:
    """The impact that stored or foretold counts stand for; types no app brings any more are left out.

    keep_target: of late arrivals, which are never overwritten.
    """
    entries = (keeping_target(entry) if keep_target else entry for entry in data_types())
    return Impact(tuple(ImpactLine(entry, **counts[entry.key]) for entry in entries if entry.key in counts))


def add_up(many: Iterable[Counts]) -> Counts:
    total: Counts = {}
    for counts in many:
        for data_type, numbers in counts.items():
            line = total.setdefault(data_type, {})
            for what, n in numbers.items():
                line[what] = line.get(what, 0) + n
    return total


@dataclass(frozen=True)
class PlannedPair:
    """One pair; the users are None where the acting person can see nobody of that id. `is_counted` tells a pair
    without any record from one whose counts are not known."""

    row_number: int
    source_id: int | None
    target_id: int | None
    source: UserFacts | None
    target: UserFacts | None
    problems: tuple[Problem, ...]
    counts: Counts = field(default_factory=dict)
    is_counted: bool = False

    @property
    def names(self) -> list[str]:
        return [user.name if user else "" for user in (self.source, self.target)]

    @cached_property
    def impact(self) -> Impact:
        return impact_of(self.counts)

    @property
    def is_ready(self) -> bool:
        return not any(problem.severity.blocks for problem in self.problems)

    @property
    def is_repeated(self) -> bool:
        return is_repeated(self.problems)

    @property
    def weight(self) -> int:
        """Rows that the run will have to touch."""
        return sum(
            n
            for numbers in self.counts.values()
            for what, n in numbers.items()
            if what in ("source", "target")
        )


@dataclass(frozen=True)
class Plan:
    """`rows`: every row that was judged; `problems`: those of the file as a whole; `uncounted`: how many of the rows
    that could run have yet to be counted; `keeps_target`: these are late arrivals, and nothing is overwritten."""

    rows: tuple[PlannedPair, ...]
    problems: tuple[Problem, ...] = ()
    uncounted: int = 0
    keeps_target: bool = False

    @cached_property
    def pairs(self) -> tuple[PlannedPair, ...]:
        """Each pair once: a row that repeats an earlier one is left out."""
        return tuple(row for row in self.rows if not row.is_repeated)

    @cached_property
    def said(self) -> list[Problem]:
        """Everything there is to say: of the file first, then row by row."""
        return [*self.problems, *(problem for row in self.rows for problem in row.problems)]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.said if problem.severity.blocks]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.said if not problem.severity.blocks]

    @property
    def ready(self) -> bool:
        return bool(self.pairs) and not self.errors

    @cached_property
    def totals(self) -> Impact:
        return impact_of(add_up(pair.counts for pair in self.pairs), keep_target=self.keeps_target)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything the person is shown: users with their names, warnings and numbers of every pair."""
        shown = [
            (pair.source_id, pair.target_id, pair.names, sorted(p.code for p in pair.problems), pair.counts)
            for pair in self.pairs
        ]
        text = json.dumps([shown, "keeps target"] if self.keeps_target else shown, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def plan_of(transfer: Transfer, by: User, *, recount: bool = True) -> Plan:
    """The plan of a draft as it stands now, for the person who would run it.

    recount: count all rows now, as a confirmation must; else counts that were stored with the draft will do, and if
    many are missing they are left to be counted in the background.
    """
    rows = list(transfer.rows.exclude(status=DraftRow.Status.CLEARED))
    cells = {row.number: [Problem.from_json(problem) for problem in row.cell_problems] for row in rows}
    named = named_column(transfer)
    known = {} if recount else stored_counts(rows)
    at_once = None if recount else COUNTED_AT_ONCE
    late = transfer.keeps_target
    return make_plan(by, [candidate(row, named) for row in rows], cells, known, at_once, keep_target=late)


def stored_counts(rows: Iterable[DraftRow]) -> dict[Pair, Counts]:
    return {
        (row.from_id, row.to_id): row.counts
        for row in rows
        if row.from_id and row.to_id and row.counts is not None
    }


def named_column(transfer: Transfer) -> str:
    """The column whose users the names of the file belong to: To User ID while the direction is swapped."""
    return TO_USER_ID if transfer.file_summary.get("swapped") else FROM_USER_ID


def plan_for_pair(by: User, source_id: int, target_id: int) -> Plan:
    """The plan of one pair, before there is a draft of it."""
    return make_plan(by, [CandidateRow(1, source_id, target_id)])


def make_plan(
    by: User,
    rows: Sequence[CandidateRow],
    cells: Mapping[int, Sequence[Problem]] | None = None,
    known: Mapping[Pair, Counts] | None = None,
    at_once: int | None = None,
    *,
    keep_target: bool = False,
) -> Plan:
    """Judge the rows and count what they would do.

    cells: what is wrong with the texts already, by row number. known: counts that were taken before and will do,
    by (source, target). at_once: if more rows than this would have to be counted, none is. keep_target: these are late
    arrivals, of pairs that were transferred before and not since. The number of queries does not depend on the number
    of rows, but for those of each `PORTION` that is counted.
    """
    facts = gather(by, users_in(rows))
    found = judge_rows(rows, facts)
    for number, problems in with_suggestions(by, cells or {}).items():
        found[number][:0] = problems
    about_file = tuple(judge_file(rows, found))
    countable = [] if any(p.severity.blocks for p in about_file) else countable_rows(rows, found)
    counts = count(countable, known or {}, at_once, keep_target=keep_target)
    history = judge_later(by, countable) if keep_target else judge_history(by, countable)
    for more in (history, judge_counted(countable, counts, facts)):
        for number, problems in more.items():
            found[number].extend(problems)
    planned = (planned_pair(row, facts, found[row.number], counts.get(row.number)) for row in rows)
    return Plan(tuple(planned), about_file, len(countable) - len(counts), keep_target)


def users_in(rows: Iterable[CandidateRow]) -> set[int]:
    return {user for row in rows for user in (row.source_id, row.target_id) if user is not None}


def count(
    rows: Sequence[CandidateRow],
    known: Mapping[Pair, Counts],
    at_once: int | None,
    *,
    keep_target: bool = False,
) -> dict[int, Counts]:
    """The counts of each row by its number, without the rows that have yet to be counted."""
    pairs = {row.number: row.pair for row in rows if row.pair}
    counts = {number: known[pair] for number, pair in pairs.items() if pair in known}
    missing = {number: pair for number, pair in pairs.items() if number not in counts}
    if at_once is not None and len(missing) > at_once:
        return counts
    return counts | count_pairs(missing, keep_target=keep_target)


def planned_pair(
    row: CandidateRow, facts: Facts, problems: Sequence[Problem], counts: Counts | None
) -> PlannedPair:
    return PlannedPair(
        row.number,
        row.source_id,
        row.target_id,
        facts.users.get(row.source_id or 0),
        facts.users.get(row.target_id or 0),
        tuple(problems),
        counts or {},
        counts is not None,
    )


def countable_rows(
    rows: Sequence[CandidateRow], found: Mapping[int, Sequence[Problem]]
) -> list[CandidateRow]:
    """The rows that could run: no error, and not the second of the same pair."""
    return [
        row
        for row in rows
        if row.pair and not any(p.severity.blocks or is_repeated([p]) for p in found.get(row.number, ()))
    ]


def is_repeated(problems: Iterable[Problem]) -> bool:
    return any(problem.code == kinds.REPEATED.code for problem in problems)


def judge_history(by: User, rows: Sequence[CandidateRow]) -> dict[int, list[Problem]]:
    """Which of the pairs were transferred before."""
    before = ran_before(by, rows)
    return {
        row.number: [kinds.TRANSFERRED_BEFORE(row=row.number, when=before[row.pair])]
        for row in rows
        if row.pair in before
    }


def judge_later(by: User, rows: Sequence[CandidateRow]) -> dict[int, list[Problem]]:
    """Of late arrivals: whose source has been in another pair since, in either role (`late.pairs_to_look_at`)."""
    sources = [row.source_id for row in rows]
    pairs = TransferPair.objects.filter(
        Q(source_id__in=sources) | Q(target_id__in=sources),
        transfer__tenant_id=by.tenant_id,
        state=PairState.SUCCEEDED,
    ).order_by("pk")
    last = {user: pair for pair in pairs.values_list("source_id", "target_id") for user in pair}
    return {
        row.number: [kinds.IN_LATER_TRANSFER(row=row.number, value=str(row.source_id))]
        for row in rows
        if last.get(row.source_id or 0, row.pair) != row.pair
    }


def ran_before(by: User, rows: Sequence[CandidateRow]) -> dict[Pair | None, str]:
    """The pairs of these rows that were transferred before, with the day. One query."""
    pairs = TransferPair.objects.filter(
        transfer__tenant_id=by.tenant_id,
        state=PairState.SUCCEEDED,
        source_id__in=[row.source_id for row in rows],
    ).order_by("finished_at")
    return {
        (source, target): day_and_time(finished)
        for source, target, finished in pairs.values_list("source_id", "target_id", "finished_at")
        if finished
    }


def day_and_time(moment: datetime) -> str:
    """Like "21 Nov 2026 14:02"."""
    return f"{localtime(moment):%-d %b %Y %H:%M}"
