"""Check users and permissions again before a batch runs, while the users are locked.

A pair with a problem that it did not have when it was confirmed does not run.
"""

from collections.abc import Sequence

from accounts.models import User
from transfers.engine.failures.reasons import Failure
from transfers.models import Kind, Transfer, TransferPair
from transfers.models.transfer import PERMISSION_TO_RUN
from transfers.validation import CandidateRow, Facts, check_rows, gather, problem_kinds
from transfers.validation.undo.checking import check_still_undoable, check_undo_rows
from wording.problems import Problem, Sentence


def refusals(transfer: Transfer, pairs: Sequence[TransferPair]) -> dict[int, Failure]:
    """Return the pairs that may no longer run, as {pair ID: failure}."""
    person = User.objects.get(pk=transfer.requested_by_id)
    if not person.may(PERMISSION_TO_RUN[Kind(transfer.kind)]):
        failure = as_failure(problem_kinds.PERSON_MAY_NOT(name=transfer.requested_by_name))
        return {pair.pk: failure for pair in pairs}
    users = {user for pair in pairs for user in (pair.source_id, pair.target_id)}
    facts = gather(person, users, ignoring=transfer.pk)
    rows = [CandidateRow(pair.row_number, pair.source_id, pair.target_id) for pair in pairs]
    found = check_undo(person, pairs, rows, facts) if transfer.is_undo else check_rows(rows, facts)
    changes = ((pair.pk, first_change(pair, found.get(pair.row_number, []))) for pair in pairs)
    return {pair_id: as_failure(change) for pair_id, change in changes if change}


def check_undo(
    person: User, pairs: Sequence[TransferPair], rows: Sequence[CandidateRow], facts: Facts
) -> dict[int, list[Problem]]:
    """Check the users, and whether the undone pairs are still the last ones of their users."""
    found = check_undo_rows(rows, facts)
    since = check_still_undoable(person, pairs)
    return {pair.row_number: [*since.get(pair.pk, ()), *found[pair.row_number]] for pair in pairs}


def first_change(pair: TransferPair, problems: Sequence[Problem]) -> Problem | None:
    """Return the worst problem that is new since the confirmation, worded as a change, or None."""
    new = [problem for problem in problems if problem.code not in pair.warnings]
    worst_first = sorted(new, key=lambda problem: not problem.severity.blocks)
    if not worst_first:
        return None
    # A rehearsal is not confirmed.
    kind = problem_kinds.CHANGED if pair.transfer.confirmed_at else problem_kinds.CHANGED_MEANWHILE
    return kind(what=Sentence(worst_first[0].sentence), row=pair.row_number)


def as_failure(problem: Problem) -> Failure:
    return Failure(problem.code, problem.sentence, problem.remedy)
