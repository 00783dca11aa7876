"""Judges the file as a whole."""

from collections.abc import Iterable, Sequence

from transfers.problems import Problem
from transfers.validation import kinds
from transfers.validation.rows import CandidateRow, Problems
from transfers.wording import counted

ROWS_THAT_SHOW_A_SORT = 3


def judge_file(rows: Sequence[CandidateRow], problems: Problems) -> Iterable[Problem]:
    """Problems that no single row has; `problems` are those of the rows."""
    if not rows:
        yield kinds.NOTHING_SELECTED()
    selected = len({row.pair or row.number for row in rows})
    if selected > kinds.MAXIMUM_PAIRS:
        limit = kinds.MAXIMUM_PAIRS
        yield kinds.TOO_MANY(count=selected, limit=limit, excess=counted(selected - limit, "row"))
    missorted = sum(has(found, kinds.MISSORTED.code) for found in problems.values())
    if missorted >= ROWS_THAT_SHOW_A_SORT:
        yield kinds.MISSORTED_FILE(count=missorted)


def has(problems: Iterable[Problem], code: str) -> bool:
    return any(problem.code == code for problem in problems)
