"""The counts of pairs, and what can only be said of a row once it is counted."""

from collections.abc import Iterable, Mapping, Sequence

from transfers.engine.preview import foretell
from transfers.engine.stage import Counts, StagedPair
from transfers.people_csv import TO_USER_ID
from transfers.problems import Problem
from transfers.validation import CandidateRow, Facts, Upcoming, kinds, upcoming_of

Pair = tuple[int, int]  # the ids of source and target

# So many pairs are counted in one transaction. It is short then, and holds up neither VACUUM nor whoever waits to see
# how far it is.
PORTION = 200


def count_pairs(pairs: Mapping[int, Pair], *, keep_target: bool = False) -> dict[int, Counts]:
    """The counts of each pair by its number, {} for one without any record; a fixed number of queries a portion."""
    staged = [StagedPair(number, *pair) for number, pair in pairs.items()]
    counts: dict[int, Counts] = {number: {} for number in pairs}
    for start in range(0, len(staged), PORTION):
        counts |= foretell(staged[start : start + PORTION], keep_target=keep_target)
    return counts


def judge_counted(
    rows: Sequence[CandidateRow], counts: Mapping[int, Counts], facts: Facts
) -> dict[int, list[Problem]]:
    """What the counts of these rows give reason to say; nothing of rows that are not counted."""
    counted = [row for row in rows if row.number in counts]
    upcoming = upcoming_of(overwritten(counted, counts))
    return {
        row.number: [*judge_counts(row, counts[row.number]), *judge_upcoming(row, facts, upcoming)]
        for row in counted
    }


def judge_counts(row: CandidateRow, counts: Counts) -> Iterable[Problem]:
    if not any("source" in numbers for numbers in counts.values()):
        yield kinds.NOTHING_TO_MOVE(row=row.number, value=str(row.source_id))


def overwritten(rows: Sequence[CandidateRow], counts: Mapping[int, Counts]) -> dict[str, list[int]]:
    """The targets of these rows that would lose records, by the key of the data type."""
    targets: dict[str, list[int]] = {}
    for row in rows:
        for key, numbers in counts[row.number].items():
            if row.target_id and numbers.get("replaced"):
                targets.setdefault(key, []).append(row.target_id)
    return targets


def judge_upcoming(row: CandidateRow, facts: Facts, upcoming: Upcoming) -> Iterable[Problem]:
    target = facts.users.get(row.target_id or 0)
    if target and target.id in upcoming:
        what = upcoming[target.id]
        yield kinds.UPCOMING(
            row=row.number, column=TO_USER_ID, value=str(target.id), name=target.name, what=what
        )
