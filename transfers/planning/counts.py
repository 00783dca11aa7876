"""Count the records of pairs, and find the problems that only these counts reveal."""

from collections.abc import Iterable, Mapping, Sequence

from transfers.engine.prediction import predict
from transfers.engine.stage import Counts, StagedPair
from transfers.people_csv import TO_USER_ID
from transfers.registry import data_types
from transfers.validation import CandidateRow, Facts, Upcoming, problem_kinds, upcoming_of
from wording.problems import Problem

Pair = tuple[int, int]  # the ids of source and target

# Pairs counted in one transaction: few enough that VACUUM is not held back and progress is shown early.
PORTION = 500


def count_pairs(pairs: Mapping[int, Pair], *, keep_target: bool = False) -> dict[int, Counts]:
    """Return the counts of each pair by row number, {} for a pair without records.

    The number of queries per portion of pairs is constant.
    """
    staged = [StagedPair(number, *pair) for number, pair in pairs.items()]
    counts: dict[int, Counts] = {number: {} for number in pairs}
    for start in range(0, len(staged), PORTION):
        counts |= predict(staged[start : start + PORTION], keep_target=keep_target)
    return counts


def check_counted(
    rows: Sequence[CandidateRow], counts: Mapping[int, Counts], facts: Facts
) -> dict[int, list[Problem]]:
    """Return the problems that the counts of these rows reveal, by row number. Rows without counts are left out."""
    counted = [row for row in rows if row.number in counts]
    upcoming = upcoming_of(overwritten(counted, counts))
    return {
        row.number: [
            *check_counts(row, counts[row.number]),
            *check_self_edges(row, facts, counts[row.number]),
            *check_upcoming(row, facts, upcoming),
        ]
        for row in counted
    }


def check_counts(row: CandidateRow, counts: Counts) -> Iterable[Problem]:
    if unfit := {key for key, numbers in counts.items() if "unfit" in numbers}:
        what = " and ".join(entry.name for entry in data_types() if entry.key in unfit)
        target = str(row.target_id)
        yield problem_kinds.ID_TOO_LARGE(row=row.number, column=TO_USER_ID, value=target, what=what)
    elif not any("source" in numbers for numbers in counts.values()):
        yield problem_kinds.NOTHING_TO_MOVE(row=row.number, value=str(row.source_id))


def check_self_edges(row: CandidateRow, facts: Facts, counts: Counts) -> Iterable[Problem]:
    target = facts.users.get(row.target_id or 0)
    for entry in data_types():
        n = counts.get(entry.key, {}).get("same_user", 0)
        if target and n and entry.self_edges == "refuse":
            yield problem_kinds.SELF_EDGE(
                row=row.number,
                column=TO_USER_ID,
                value=str(target.id),
                name=target.name,
                what=entry.name,
                n=n,
            )


def overwritten(rows: Sequence[CandidateRow], counts: Mapping[int, Counts]) -> dict[str, list[int]]:
    """Return, for each data type key, the targets of these rows whose records would be replaced."""
    targets: dict[str, list[int]] = {}
    for row in rows:
        for key, numbers in counts[row.number].items():
            if row.target_id and numbers.get("replaced"):
                targets.setdefault(key, []).append(row.target_id)
    return targets


def check_upcoming(row: CandidateRow, facts: Facts, upcoming: Upcoming) -> Iterable[Problem]:
    target = facts.users.get(row.target_id or 0)
    if target and target.id in upcoming:
        what = upcoming[target.id]
        yield problem_kinds.UPCOMING(
            row=row.number, column=TO_USER_ID, value=str(target.id), name=target.name, what=what
        )
