"""The lines that the command line prints about a transfer, with the same wording as the pages."""

from collections.abc import Iterable, Iterator

from accounts.models import User
from transfers.models import Transfer, TransferPair
from transfers.planning.impact import Impact
from transfers.planning.plan import Plan
from transfers.planning.problem_groups import ProblemGroup
from transfers.planning.undo.impact import UndoImpact
from transfers.planning.undo.plan import UndoPlan
from transfers.results.exports import NOT_TRANSFERRED
from transfers.results.progress import impact_so_far, numbers_in_words, progress_of, undone_so_far
from transfers.results.undo import left_records, records_in_words
from transfers.validation.links import listed
from wording.phrases import counted, direction
from wording.problems import Problem, Severity


def problem_lines(draft: Transfer, plan: Plan) -> Iterator[str]:
    """Yield a line for each problem of the file, then for those of its rows in file order.

    A problem that several rows share is said once, as on the page, with the numbers of the rows.
    """
    for problem in draft.file_summary.get("problems", ()):
        yield problem_line(Problem.from_json(problem))
    yield from row_problem_lines(plan)


def row_problem_lines(plan: Plan) -> Iterator[str]:
    found: dict[tuple[str, Severity], list[Problem]] = {}
    for row in plan.rows:
        for problem in row.problems:
            found.setdefault((problem.code, problem.severity), []).append(problem)
    for same in found.values():
        numbers = list(dict.fromkeys(problem.row for problem in same if problem.row is not None))
        group = ProblemGroup(len(numbers), 0, numbers, same[0])
        if group.mark:
            yield shared_line(group)
        else:
            yield from map(problem_line, same)


def shared_line(group: ProblemGroup) -> str:
    """Return "warning  3 rows   3 Source Users are still active. … Rows 2, 3 and 4."."""
    where = counted(group.count, "row")
    said = f"{group.sentence} {group.remedy}".strip()
    return f"{group.problem.severity.value:<8} {where:<8} {said} Rows {listed(group.rows)}."


def problem_line(problem: Problem) -> str:
    """Return the problem as a line: "error    row 14   No user has the ID 777. Check the ID in people.csv"."""
    where = f"row {problem.row}" if problem.row is not None else "file"
    return f"{problem.severity.value:<8} {where:<8} {problem.sentence} {problem.remedy}".rstrip()


def file_line(draft: Transfer) -> str:
    file = draft.file_summary
    how = ", ".join(filter(None, (file["encoding"], file["delimiter"])))
    return (
        f"{counted(file['read'], 'row')} read as {how}:"
        f" {file['blank']:,} blank, {file['read'] - file['blank']:,} selected."
    )


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield what will happen: the number of users, the direction of the first pair, and the totals by data type."""
    first = next(pair for pair in plan.pairs if pair.source and pair.target)
    yield f"Transfer data for {counted(len(plan.pairs), 'user')}."
    if first.source and first.target:
        yield f"Row {first.row_number}: " + direction(
            first.source.name, first.source.id, first.target.name, first.target.id
        )
    yield from impact_lines(plan.totals)
    moved, deleted = (counted(number, "record") for number in (plan.totals.transferred, plan.totals.deleted))
    yield f"{moved} to move, {deleted} of the Target Users to delete."


def impact_lines(impact: Impact) -> Iterator[str]:
    """Yield a table with a line for each data type that has records."""
    if not impact.lines:
        return
    width = max(len(line.data_type.name) for line in impact.lines)
    yield f"{'':{width}}  {'source':>10} {'moved':>10} {'merged':>10} {'dropped':>10} {'deleted':>10}"
    for line in impact.lines:
        numbers = (line.source, line.moved, line.merged, line.dropped, line.deleted)
        yield f"{line.data_type.name:{width}}  " + " ".join(f"{number:>10,}" for number in numbers)
        if line.detached:
            yield f"{'':{width}}  {line.detached:>21,} detached from deleted records"
        if line.same_user:
            yield f"{'':{width}}  {line.same_user:>21,} {line.data_type.words_for_same_user}"


def result_lines(transfer: Transfer) -> Iterator[str]:
    """Yield the totals of the transferred records, then each pair that was not transferred, with the reason."""
    progress = progress_of(transfer)
    yield from impact_lines(impact_so_far(transfer))
    yield (
        f"{transfer.get_state_display()}: {progress.succeeded:,} transferred, {progress.failed:,} failed,"
        f" {progress.not_started:,} not started."
    )
    if not progress.not_transferred:
        yield "Data Transfer Successful"
        return
    yield "Errors occurred during data transfer. The user IDs listed below were not transferred."
    yield from failure_lines(TransferPair.objects.filter(transfer=transfer, state__in=NOT_TRANSFERRED))


def failure_lines(pairs: Iterable[TransferPair]) -> Iterator[str]:
    for pair in pairs:
        reason = f"{pair.reason} {pair.remedy}".strip() or "Not started."
        yield f"row {pair.row_number}: {pair}: {reason} Nothing was changed for this pair."


# --- Undo ------------------------------------------------------------------------------------------------------------

LEFT_SHOWN = 100  # the page of the undo has a download of all


def undo_plan_lines(draft: Transfer, plan: UndoPlan) -> Iterator[str]:
    """Yield what will happen: the number of users, and the numbers of records by data type."""
    yield f"Undo transfer {draft.undone_number} for {counted(len(plan.pairs), 'user')}."
    yield from undo_lines(plan.totals)
    yield (
        f"{counted(plan.totals.returned, 'record')} to give back, {plan.totals.restored:,} to restore,"
        f" {plan.totals.left:,} changed since."
    )


def undo_lines(impact: UndoImpact) -> Iterator[str]:
    """Yield a table with a line for each data type that has records."""
    if not impact.lines:
        return
    width = max(len(line.data_type.name) for line in impact.lines)
    yield f"{'':{width}}  {'goes back':>10} {'restored':>10} {'changed back':>12} {'stays':>10} {'changed':>10}"
    for line in impact.lines:
        restored, reverted = line.restored + line.children, line.reverted + line.added
        yield (
            f"{line.data_type.name:{width}}  {line.returned:>10,} {restored:>10,} {reverted:>12,}"
            f" {line.stays:>10,} {line.left:>10,}"
        )


def undo_result_lines(person: User, transfer: Transfer) -> Iterator[str]:
    """Yield the totals of an undo, the records that were left, and each pair that was not undone, with the reason."""
    yield from undo_lines(undone_so_far(transfer))
    conflicts = left_records(transfer)
    for left in records_in_words(conflicts[:LEFT_SHOWN], person):
        row = left.conflict.pair.row_number
        yield f"row {row}: left as it is: {left.data_type} {left.name}: {left.why}"
    if (number := conflicts.count()) > LEFT_SHOWN:
        yield f"{number - LEFT_SHOWN:,} more were left. All are in /transfers/{transfer.number}/left.csv"
    progress = progress_of(transfer)
    yield f"{transfer.get_state_display()}: {numbers_in_words(progress, transfer.done_word)}."
    missed = TransferPair.objects.filter(transfer=transfer, state__in=NOT_TRANSFERRED)
    yield from failure_lines(missed)
