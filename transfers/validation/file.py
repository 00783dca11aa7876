"""Checks of the file as a whole."""

from collections.abc import Iterable, Sequence

from transfers.validation import problem_kinds
from transfers.validation.candidates import CandidateRow
from transfers.validation.rows import Problems
from wording.phrases import counted
from wording.problems import Problem

ROWS_THAT_SHOW_A_SORT = 3
SUSPICIOUS_ROWS = 5  # so many IDs in order are rarely a coincidence

Targets = Sequence[tuple[int, int]]  # (row number, To User ID) of each row, in the order of the file


def check_file(rows: Sequence[CandidateRow], problems: Problems) -> Iterable[Problem]:
    """Yield the problems of the file as a whole. `problems` are the problems of its rows."""
    if not rows:
        yield problem_kinds.NOTHING_SELECTED()
    selected = len({row.pair or row.number for row in rows})
    if selected > problem_kinds.MAXIMUM_PAIRS:
        limit = problem_kinds.MAXIMUM_PAIRS
        yield problem_kinds.TOO_MANY(count=selected, limit=limit, excess=counted(selected - limit, "row"))
    missorted = sum(has(found, problem_kinds.MISSORTED.code) for found in problems.values())
    if missorted >= ROWS_THAT_SHOW_A_SORT:
        yield problem_kinds.MISSORTED_FILE(count=missorted)


def suspicion(targets: Targets, blank: int, blank_above: int) -> Problem | None:
    """Return a warning if the To User IDs look as if the column was filled by dragging or sorted on its own, or None.

    The file cannot prove it, so the person has to compare the rows. `blank` is the number of rows with a blank To User
    ID, and `blank_above` the number of those that have a filled row below them.
    """
    if run := longest_run(targets):
        return problem_kinds.FILLED(count=len(run), first=run[0][0])
    if blank and not blank_above and is_sorted([target for _, target in targets]):
        return problem_kinds.SORTED_ALONE(count=len(targets))
    return None


def longest_run(targets: Targets) -> Targets:
    """Return the longest run of neighbours whose IDs rise by one or fall by one, or () if it is too short."""
    longest: Targets = ()
    for step in (1, -1):
        start = 0
        for end in range(1, len(targets) + 1):
            if end == len(targets) or targets[end][1] - targets[end - 1][1] != step:
                longest = max(longest, targets[start:end], key=len)
                start = end
    return longest if len(longest) >= SUSPICIOUS_ROWS else ()


def is_sorted(ids: Sequence[int]) -> bool:
    """Return whether the IDs are sorted as numbers or as text, in either direction, as spreadsheets do."""
    if len(ids) < SUSPICIOUS_ROWS:
        return False
    orders = sorted(ids), sorted(ids, key=str)
    return any(list(ids) in (order, order[::-1]) for order in orders)


def has(problems: Iterable[Problem], code: str) -> bool:
    return any(problem.code == code for problem in problems)
