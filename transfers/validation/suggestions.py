"""Suggest a user for cells that hold a name, an email or a user name instead of an ID (docs/csv-cases.md, 31).

Also suggest the user whom the texts beside an ID name, if they name another user than the ID.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from accounts.models import User
from accounts.people.search import LARGEST_ID, first_name_first, users_named
from accounts.scope import visible_users
from transfers.people_csv.problem_kinds import ID_IS_TEXT, ID_WITH_LABEL
from transfers.validation import problem_kinds
from transfers.validation.candidates import CandidateRow
from wording.normal_form import normalized
from wording.problems import Problem

CellProblems = Mapping[int, Sequence[Problem]]
ONE_NUMBER = re.compile(r"(?P<before>[^0-9]*)(?P<id>[0-9]{1,19})(?P<after>[^0-9]*)")
ALLOW = " Your system administrator can allow emails, user names and employee IDs in this column."
AROUND_NAMES = " \t\u00a0()[]<>{}#:;,.–—-"


def with_suggestions(person: User, cells: CellProblems) -> CellProblems:
    """Return the problems by row number, with a suggestion where the text names exactly one user in the person's views.

    The number of queries does not depend on the number of cells.
    """
    problems = [problem for found in cells.values() for problem in found if is_text(problem)]
    if not problems:
        return cells
    named = users_named(person, {problem.value for problem in problems})
    meant = users_with_id(person, problems) | named
    hint = "" if person.tenant.allows_identifiers else ALLOW
    return {row: [suggested(problem, meant, hint) for problem in found] for row, found in cells.items()}


def is_text(problem: Problem) -> bool:
    return problem.code in (ID_IS_TEXT.code, ID_WITH_LABEL.code, problem_kinds.IDENTIFIER_UNKNOWN.code)


def users_with_id(person: User, problems: Iterable[Problem]) -> dict[str, User]:
    """Map each text such as “ID 19” or “Bo Chen (19)” to the user with this ID, unless it names another user."""
    in_id_columns = (problem for problem in problems if problem.code != problem_kinds.IDENTIFIER_UNKNOWN.code)
    parts = {problem.value: found for problem in in_id_columns if (found := id_and_name(problem))}
    users = visible_users(person).in_bulk({number for number, _ in parts.values()}) if parts else {}
    return {
        text: users[number]
        for text, (number, name) in parts.items()
        if number in users and is_name_of(users[number], name)
    }


def id_and_name(problem: Problem) -> tuple[int, str] | None:
    """Return the only number in the text and the words before or after it, or None. A label such as ID is no name."""
    if problem.suggestion is not None:
        return problem.suggestion, ""
    match = ONE_NUMBER.fullmatch(problem.value)
    if match is None or not 0 < int(match["id"]) <= LARGEST_ID:
        return None
    before, after = (match[part].strip(AROUND_NAMES) for part in ("before", "after"))
    return None if before and after else (int(match["id"]), before or after)


def is_name_of(user: User, name: str) -> bool:
    return not name or folded(name) in map(folded, (user.name, user.username, user.email))


def folded(name: str) -> str:
    return normalized("NFKC", first_name_first(name)).casefold()


def suggested(problem: Problem, meant: Mapping[str, User], hint: str) -> Problem:
    if not is_text(problem):
        return problem
    found = problem
    if user := meant.get(problem.value):
        found = problem_kinds.ID_IS_NAME(
            row=problem.row, column=problem.column, value=problem.value, suggestion=user.pk, name=user.name
        )
    return replace(found, remedy=found.remedy + hint) if problem.code == ID_IS_TEXT.code else found


# --- Texts that name another user than the ID ------------------------------------------------------------------------


def with_named_users(person: User, rows: Iterable[CandidateRow], found: CellProblems) -> CellProblems:
    """Return the problems of the rows whose texts are exactly those of one other user, with this user as suggestion.

    The number of queries does not depend on the number of rows.
    """
    texts = {row.number: texts_of(row) for row in rows if any(map(is_misnamed, found.get(row.number, ())))}
    if not texts:
        return {}
    meant = users_named(person, {text for of_row in texts.values() for text in of_row})
    named = {number: only_user(of_row, meant) for number, of_row in texts.items()}
    return {
        number: [replace(p, suggestion=user.pk) if is_misnamed(p) else p for p in found[number]]
        for number, user in named.items()
        if user
    }


def is_misnamed(problem: Problem) -> bool:
    return problem.code == problem_kinds.MISSORTED.code


def texts_of(row: CandidateRow) -> list[str]:
    """Return the texts that name the row's user, or [] if their letters are uncertain."""
    texts = [text.strip() for text in (f"{row.first_name} {row.last_name}", row.user_name, row.email)]
    is_certain = not row.code_page or all(map(str.isascii, texts))
    return [text for text in texts if text] if is_certain else []


def only_user(texts: Sequence[str], meant: Mapping[str, User]) -> User | None:
    users = {user.pk: user for text in texts if (user := meant.get(text))}
    user = next(iter(users.values()), None)
    return user if user and len(users) == 1 and all(is_name_of(user, text) for text in texts) else None
