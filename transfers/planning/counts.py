"""Count the records of pairs, and find the problems that only these counts reveal."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError, OperationalError

from tenancy.postgresql.transient_errors import database_error
from transfers.engine.failures.causes import is_in_function, summary
from transfers.engine.failures.reasons import is_definite
from transfers.engine.prediction import predict
from transfers.engine.stage import Counts, StagedPair
from transfers.people_csv import TO_USER_ID
from transfers.registry import data_types
from transfers.rules import DataType
from transfers.validation import CandidateRow, Facts, Upcoming, problem_kinds, upcoming_of
from wording.phrases import counted
from wording.problems import Problem

log = logging.getLogger(__name__)

Pair = tuple[int, int]  # the ids of source and target

MISFITS = {
    "misfit": problem_kinds.ATTRIBUTE_DOES_NOT_FIT,
    "shared": problem_kinds.ATTRIBUTE_IS_SHARED,
}
UNFIT = ("unfit", *MISFITS)
PREVENTED = {"same_user": problem_kinds.SELF_EDGE, "nameless": problem_kinds.NO_FREE_NAME}

# To find one pair in a portion takes about nine, each of the next ones some less.
MOST_FAILURES = 300

# The class of errors for a value that is too long or too complex, which psycopg counts among those of the server.
PROGRAM_LIMIT = "54"

# Pairs counted in one transaction: few enough that VACUUM is not held back and progress is shown early.
PORTION = 500


def count_pairs(pairs: Mapping[int, Pair], *, keep_target: bool = False) -> dict[int, Counts]:
    """Return the counts of each pair by row number, {} for a pair without records.

    The number of queries per portion of pairs is constant. A pair whose records the database refuses to compare, for
    example because of an expression in an index, has only the outcome "refused".
    """
    staged = [StagedPair(number, *pair) for number, pair in pairs.items()]
    counts: dict[int, Counts] = {number: {} for number in pairs}
    for start in range(0, len(staged), PORTION):
        counts |= predict_isolated(staged[start : start + PORTION], keep_target=keep_target)
    return counts


def predict_isolated(pairs: Sequence[StagedPair], *, keep_target: bool) -> dict[int, Counts]:
    """Predict the pairs together. An error that one pair causes ends the prediction of all, so halve their number then.

    If that fails too often, the pairs that are left together are refused. The others are predicted together again, as
    they will run: their rows may meet.
    """
    counts: dict[int, Counts] = {}
    refused: dict[int, Counts] = {}
    waiting, failures = [pairs], 0
    while waiting:
        together = waiting.pop()
        try:
            counts |= predict(together, keep_target=keep_target)
        except DatabaseError as error:
            if not is_of_values(error):
                raise
            failures += 1
            if len(together) > 1 and failures < MOST_FAILURES:
                middle = len(together) // 2
                waiting += [together[:middle], together[middle:]]
                continue
            log.warning("%s pairs cannot be counted: %s", len(together), summary(error))
            refused |= {pair.key: {getattr(error, "data_type", ""): {"refused": 1}} for pair in together}
    if refused and (others := [pair for pair in pairs if pair.key not in refused]):
        try:
            counts = predict(others, keep_target=keep_target)
        except DatabaseError as error:
            if not is_of_values(error):
                raise
            log.warning("%s pairs can only be counted in parts: %s", len(others), summary(error))
    return counts | refused


def is_of_values(error: DatabaseError) -> bool:
    """Return whether values caused the error, maybe in a function that compares them, and not the server or a limit."""
    cause = database_error(error)
    if cause is not None and (cause.sqlstate or "").startswith(PROGRAM_LIMIT):
        return True
    in_function = cause is not None and is_in_function(cause)
    return is_definite(error) or (in_function and not isinstance(error, OperationalError))


def check_counted(
    rows: Sequence[CandidateRow], counts: Mapping[int, Counts], facts: Facts
) -> dict[int, list[Problem]]:
    """Return the problems that the counts of these rows reveal, by row number. Rows without counts are left out."""
    counted = [row for row in rows if row.number in counts]
    upcoming = upcoming_of(overwritten(counted, counts))
    return {
        row.number: [
            *check_counts(row, facts, counts[row.number]),
            *check_outcomes(row, facts, counts[row.number]),
            *check_upcoming(row, facts, upcoming),
        ]
        for row in counted
    }


def check_counts(row: CandidateRow, facts: Facts, counts: Counts) -> Iterable[Problem]:
    outcomes = outcomes_of(counts)
    if "refused" in outcomes:
        yield from check_refused(row, counts)
    elif not outcomes.isdisjoint(UNFIT):
        yield from check_misfits(row, facts, counts)
    elif "source" not in outcomes:
        yield problem_kinds.NOTHING_TO_MOVE(row=row.number, value=str(row.source_id))


def outcomes_of(counts: Counts) -> set[str]:
    """Return the outcomes of a pair's records in any data type."""
    return set().union(*counts.values())


def check_refused(row: CandidateRow, counts: Counts) -> Iterator[Problem]:
    """Yield the problem of records that the database refused to compare, with their data type if it is known."""
    what = " and ".join(entry.name for entry in types_with("refused", counts)) or "The records"
    yield problem_kinds.NOT_COMPARABLE(row=row.number, column=TO_USER_ID, value=str(row.target_id), what=what)


def check_misfits(row: CandidateRow, facts: Facts, counts: Counts) -> Iterator[Problem]:
    """Yield a problem if records of the source cannot hold the target, and for which reason."""
    where: dict[str, Any] = {"row": row.number, "column": TO_USER_ID, "value": str(row.target_id)}
    if unfit := types_with("unfit", counts):
        yield problem_kinds.ID_TOO_LARGE(**where, what=" and ".join(entry.name for entry in unfit))
    target = facts.users.get(row.target_id or 0)
    for why, kind in MISFITS.items() if target else ():
        for entry in types_with(why, counts):
            text = " / ".join(str(getattr(target, name)) for name in entry.held_attributes)
            words: dict[str, Any] = {
                "what": entry.name,
                "attribute": entry.words_for_attributes,
                "text": text,
            }
            yield kind(**where, **words, name=target.name if target else "")


def types_with(what: str, counts: Counts) -> list[DataType]:
    return [entry for entry in data_types() if what in counts.get(entry.key, {})]


def check_outcomes(row: CandidateRow, facts: Facts, counts: Counts) -> Iterable[Problem]:
    """Yield a problem if records may not or cannot become what they would be."""
    if outcomes_of(counts).isdisjoint(PREVENTED):
        return
    target = facts.users.get(row.target_id or 0)
    for entry in data_types():
        found = counts.get(entry.key, {})
        for what, kind in PREVENTED.items():
            if target and (n := found.get(what)) and (what != "same_user" or entry.self_edges == "refuse"):
                yield kind(
                    row=row.number,
                    column=TO_USER_ID,
                    value=str(target.id),
                    name=target.name,
                    what=entry.name,
                    records=counted(n, "record"),
                )


def overwritten(rows: Sequence[CandidateRow], counts: Mapping[int, Counts]) -> dict[str, list[int]]:
    """Return, for the key of each overwritten data type, the targets of these rows whose records would be replaced.

    These are all records of the target. Of a combined type, only those are replaced that conflict with another.
    """
    overwriting = {entry.key for entry in data_types() if entry.overwrites}
    targets: dict[str, list[int]] = {}
    for row in rows:
        for key, numbers in counts[row.number].items():
            if row.target_id and key in overwriting and numbers.get("replaced"):
                targets.setdefault(key, []).append(row.target_id)
    return targets


def check_upcoming(row: CandidateRow, facts: Facts, upcoming: Upcoming) -> Iterable[Problem]:
    target = facts.users.get(row.target_id or 0)
    if target and target.id in upcoming:
        what = upcoming[target.id]
        yield problem_kinds.UPCOMING(
            row=row.number, column=TO_USER_ID, value=str(target.id), name=target.name, what=what
        )
