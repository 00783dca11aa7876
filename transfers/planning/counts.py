"""The counts of pairs, and the problems of a row that only its counts show."""

from collections.abc import Iterable, Mapping, Sequence

from transfers.engine.prediction import predict
from transfers.engine.stage import Counts, StagedPair
from transfers.people_csv import TO_USER_ID
from transfers.validation import CandidateRow, Facts, Upcoming, problem_kinds, upcoming_of
from wording.problems import Problem

Pair = tuple[int, int]  # the ids of source and target

# Pairs counted in one transaction. Few enough that it does not hold back VACUUM, and that progress shows soon.
PORTION = 200


def count_pairs(pairs: Mapping[int, Pair], *, keep_target: bool = False) -> dict[int, Counts]:
    """The counts of each pair by its number, {} for one without records; a fixed number of queries per portion."""
    staged = [StagedPair(number, *pair) for number, pair in pairs.items()]
    counts: dict[int, Counts] = {number: {} for number in pairs}
    for start in range(0, len(staged), PORTION):
        counts |= predict(staged[start : start + PORTION], keep_target=keep_target)
    return counts


def check_counted(
    rows: Sequence[CandidateRow], counts: Mapping[int, Counts], facts: Facts
) -> dict[int, list[Problem]]:
    """The problems that the counts of these rows show, by row number; rows without counts are left out."""
    counted = [row for row in rows if row.number in counts]
    upcoming = upcoming_of(overwritten(counted, counts))
    return {
        row.number: [*check_counts(row, counts[row.number]), *check_upcoming(row, facts, upcoming)]
        for row in counted
    }


def check_counts(row: CandidateRow, counts: Counts) -> Iterable[Problem]:
    if not any("source" in numbers for numbers in counts.values()):
        yield problem_kinds.NOTHING_TO_MOVE(row=row.number, value=str(row.source_id))


def overwritten(rows: Sequence[CandidateRow], counts: Mapping[int, Counts]) -> dict[str, list[int]]:
    """The targets of these rows whose records would be replaced, by the key of the data type."""
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
