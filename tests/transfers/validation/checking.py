"""Facts and rows for testing the checks without a database. Only the users 1 to 99 are visible."""

from dataclasses import replace
from typing import Any

from transfers.validation import CandidateRow, Facts, UserFacts, check_rows
from wording.problems import Problem

ADA = 1  # the acting person


def user(number: int, **facts: Any) -> UserFacts:
    """Return facts about an inactive user without special rights, who can be a source without any problem."""
    first, last = f"First{letters(number)}", f"Last{letters(number)}"
    return replace(UserFacts(number, first, last, f"u{number}", False, False, False, None), **facts)


def letters(number: int) -> str:
    """Return the number spelled in letters, because the name check ignores digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def facts(**changed: dict[str, Any]) -> Facts:
    """Return facts about the users 1 to 99. `u19={"is_active": True}` changes the facts about user 19."""
    users = {number: user(number) for number in range(1, 100)}
    for name, change in changed.items():
        number = int(name[1:])
        users[number] = replace(users[number], **change)
    return Facts(ADA, users)


def checked(*pairs: tuple[int | None, int | None], **changed: dict[str, Any]) -> dict[int, list[Problem]]:
    """Check these pairs as rows 2, 3, … and return each row's problems, except warnings about inactive targets."""
    rows = [CandidateRow(number, *pair) for number, pair in enumerate(pairs, start=2)]
    found = check_rows(rows, facts(**changed))
    return {
        number: [problem for problem in problems if problem.code != "inactive-target"]
        for number, problems in found.items()
    }


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def sentences(found: dict[int, list[Problem]], code: str) -> dict[int, str]:
    """Map the number of each row that has a problem with this code to the problem's sentence."""
    return {
        number: problem.sentence
        for number, problems in found.items()
        for problem in problems
        if problem.code == code
    }
