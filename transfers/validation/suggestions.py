"""Suggest a user for cells that hold a name, an email or a user name instead of an ID (docs/csv-cases.md, 31)."""

from collections.abc import Mapping, Sequence

from accounts.models import User
from accounts.people.search import users_named
from transfers.people_csv.problem_kinds import ID_IS_TEXT
from transfers.validation import problem_kinds
from wording.problems import Problem

CellProblems = Mapping[int, Sequence[Problem]]


def with_suggestions(person: User, cells: CellProblems) -> CellProblems:
    """Return the problems by row number, with a suggestion where the text names exactly one user in the person's views.

    The number of queries does not depend on the number of cells.
    """
    texts = {problem.value for problems in cells.values() for problem in problems if is_text(problem)}
    meant = users_named(person, texts) if texts else {}
    if not meant:
        return cells
    return {row: [suggested(problem, meant) for problem in problems] for row, problems in cells.items()}


def is_text(problem: Problem) -> bool:
    return problem.code == ID_IS_TEXT.code


def suggested(problem: Problem, meant: Mapping[str, User]) -> Problem:
    user = meant.get(problem.value) if is_text(problem) else None
    if user is None:
        return problem
    return problem_kinds.ID_IS_NAME(
        row=problem.row, column=problem.column, value=problem.value, suggestion=user.pk, name=user.name
    )
