"""Groups the errors of a file by kind, so that each kind is said once, with the number of its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.people.user_import import problem_kinds as kinds
from accounts.people.user_import.outcome import Outcome
from wording.display_text import isolated
from wording.problems import Problem

# How a kind is said of several rows: templates for `str.format`.
SHARED = {
    kinds.LONG_ROW.code: "{rows:,} rows have more cells than the header, so their cells may have shifted.",
    kinds.NO_NAME.code: "{rows:,} rows have no User Name.",
    kinds.TWICE.code: "{rows:,} rows have a value that another row has too, such as {column} {value} in row {row}.",
    kinds.TOO_LONG.code: "{rows:,} rows have a text that is too long, such as {column} in row {row}.",
    kinds.UNSEEN.code: "{rows:,} rows contain invisible characters, such as {column} in row {row}.",
    kinds.NO_ADDRESS.code: "{rows:,} rows have an Email that is not an address, such as “{value}” in row {row}.",
    kinds.TAKEN.code: "{rows:,} rows have a value that is taken, such as {column} {value} in row {row}.",
    kinds.ACTIVE.code: "{rows:,} rows have neither yes nor no in Active, such as “{value}” in row {row}.",
    kinds.NO_SUCH_TEAM.code: "{rows:,} rows name a team outside your views, such as “{value}” in row {row}.",
    kinds.NO_SUCH_ROLE.code: "{rows:,} rows name a role that you cannot assign, such as “{value}” in row {row}.",
    kinds.NO_SUCH_VIEW.code: "{rows:,} rows name a view that you cannot assign, such as “{value}” in row {row}.",
    kinds.TEAM_NEEDED.code: "{rows:,} rows create a user without a team. You could not see these users.",
    kinds.OUTRANKS.code: "{rows:,} rows name users who have permissions that you do not have, or who see users that you"
    " cannot see.",
}
OTHER = "{rows:,} rows have the same problem. For example, in row {row}: {sentence}"


@dataclass(frozen=True)
class ProblemGroup:
    """The rows with the same kind of error: their number and the error of the first one."""

    count: int
    problem: Problem

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def sentence(self) -> str:
        first = self.problem
        if self.count == 1:
            place = f"Row {first.row}"
            return first.sentence if first.sentence.startswith(place) else f"{place}: {first.sentence}"
        words = {"rows": self.count, "row": first.row, "column": first.column}
        words |= {"value": isolated(first.value), "sentence": first.sentence}
        return SHARED.get(self.code, OTHER).format_map(words)


def problem_groups(outcomes: Iterable[Outcome]) -> list[ProblemGroup]:
    """Return the kinds of errors, the most frequent one first."""
    found: dict[str, list[Problem]] = {}
    for outcome in outcomes:
        for code, problem in first_of_each(outcome.problems).items():
            found.setdefault(code, []).append(problem)
    groups = [ProblemGroup(len(problems), problems[0]) for problems in found.values()]
    return sorted(groups, key=lambda group: -group.count)


def first_of_each(problems: Sequence[Problem]) -> dict[str, Problem]:
    return {problem.code: problem for problem in reversed(problems)}
