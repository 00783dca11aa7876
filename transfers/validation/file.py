"""Checks of the file as a whole."""

from collections.abc import Iterable, Sequence

from transfers.validation import problem_kinds
from transfers.validation.candidates import CandidateRow
from transfers.validation.rows import Problems
from wording.phrases import counted
from wording.problems import Problem

ROWS_THAT_SHOW_A_SORT = 3


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


def has(problems: Iterable[Problem], code: str) -> bool:
    return any(problem.code == code for problem in problems)
