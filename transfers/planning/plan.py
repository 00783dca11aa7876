"""The plan of a transfer: its pairs, their problems, and how many records of each data type are moved or deleted.

A page shows the plan, and the person confirms its hash. The confirmation is refused if the plan's hash has changed by
then. The counts come from the same compiled rules that the run uses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from accounts.models import User
from transfers.engine.stage import Counts
from transfers.models import DraftRow, Transfer
from transfers.planning.candidates import candidates_of
from transfers.planning.counts import Pair, check_counted, count_pairs
from transfers.planning.history import check_earlier_transfers, check_later_transfers
from transfers.planning.planned import Plan, PlannedPair, is_repeated
from transfers.planning.undo.plan import undo_plan_of
from transfers.validation import (
    CandidateRow,
    Facts,
    check_file,
    check_rows,
    gather,
    with_claims,
    with_named_users,
    with_suggestions,
)
from wording.problems import Problem

# Counting this many ordinary pairs takes about 0.1 s. Larger drafts are counted in the background.
COUNTED_AT_ONCE = 100


def plan_of(transfer: Transfer, by: User, *, recount: bool = True) -> Plan:
    """Return the current plan of a draft, for the person who would run it.

    recount: count all rows now, as a confirmation must. Otherwise the stored counts are used, and if many are missing,
    the missing ones are counted later in the background.
    """
    if transfer.is_undo:
        return undo_plan_of(transfer, by, at_once=None if recount else COUNTED_AT_ONCE)
    rows = list(transfer.rows.exclude(status=DraftRow.Status.CLEARED))
    cells = {row.number: [Problem.from_json(problem) for problem in row.cell_problems] for row in rows}
    candidates = candidates_of(transfer, rows)
    stored = {} if recount else stored_counts(rows)
    at_once = None if recount else COUNTED_AT_ONCE
    late = transfer.keeps_target
    plan = make_plan(by, candidates, cells, stored, at_once, keep_target=late)
    suspicions = map(Problem.from_json, transfer.file_summary.get("suspicions", ()))
    return replace(plan, problems=(*plan.problems, *suspicions))


def stored_counts(rows: Iterable[DraftRow]) -> dict[Pair, Counts]:
    return {
        (row.from_id, row.to_id): row.counts
        for row in rows
        if row.from_id and row.to_id and row.counts is not None
    }


def plan_for_pair(by: User, source_id: int, target_id: int) -> Plan:
    """Return the plan of a single pair that has no draft yet."""
    return make_plan(by, [CandidateRow(1, source_id, target_id)])


def make_plan(
    by: User,
    rows: Sequence[CandidateRow],
    cells: Mapping[int, Sequence[Problem]] | None = None,
    stored: Mapping[Pair, Counts] | None = None,
    at_once: int | None = None,
    *,
    keep_target: bool = False,
) -> Plan:
    """Check the rows and count the records that each would move or delete.

    cells: the problems found when the cells were read, by row number. stored: earlier counts that may be used again, by
    (source, target). at_once: if more rows than this need counting, count none of them. keep_target: the rows move
    late arrivals, so their sources must not have been in another pair since.

    Counting takes a constant number of queries for each `PORTION` of rows, and everything else a constant number in
    total.
    """
    facts = with_claims(by, rows, gather(by, users_in(rows)))
    found = check_rows(rows, facts)
    found.update({number: list(problems) for number, problems in with_named_users(by, rows, found).items()})
    for number, suggestions in with_suggestions(by, cells or {}).items():
        found[number][:0] = suggestions
    about_file = tuple(check_file(rows, found))
    countable = [] if any(p.severity.blocks for p in about_file) else countable_rows(rows, found)
    counts = count(countable, stored or {}, at_once, keep_target=keep_target)
    history = (
        check_later_transfers(by, countable) if keep_target else check_earlier_transfers(by, countable, facts)
    )
    for more in (history, check_counted(countable, counts, facts)):
        for number, problems in more.items():
            found[number].extend(problems)
    planned = (planned_pair(row, facts, found[row.number], counts.get(row.number)) for row in rows)
    return Plan(tuple(planned), about_file, len(countable) - len(counts), keep_target)


def users_in(rows: Iterable[CandidateRow]) -> set[int]:
    return {user for row in rows for user in (row.source_id, row.target_id) if user is not None}


def count(
    rows: Sequence[CandidateRow],
    stored: Mapping[Pair, Counts],
    at_once: int | None,
    *,
    keep_target: bool = False,
) -> dict[int, Counts]:
    """Return counts by row number. Rows that will be counted in the background are left out."""
    pairs = {row.number: row.pair for row in rows if row.pair}
    counts = {number: stored[pair] for number, pair in pairs.items() if pair in stored}
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
    """Return the rows whose pairs can be transferred: they have no errors and do not repeat an earlier row."""
    return [
        row
        for row in rows
        if row.pair and not any(p.severity.blocks or is_repeated([p]) for p in found.get(row.number, ()))
    ]
