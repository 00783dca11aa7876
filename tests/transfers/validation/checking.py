"""Facts and rows for the pure checks. Only users 1 to 99 are visible."""

from dataclasses import replace
from typing import Any

from transfers.validation import CandidateRow, Facts, UserFacts, check_rows
from wording.problems import Problem

ADA = 1  # the acting person


def user(number: int, **facts: Any) -> UserFacts:
    """An inactive user without special rights: no problems as a source."""
    first, last = f"First{letters(number)}", f"Last{letters(number)}"
    return replace(UserFacts(number, first, last, f"u{number}", False, False, False, None), **facts)


def letters(number: int) -> str:
    """Spell a number with letters, because the name check ignores digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def facts(**changed: dict[str, Any]) -> Facts:
    """Users 1 to 99; `u19={"is_active": True}` changes one of them."""
    users = {number: user(number) for number in range(1, 100)}
    for name, change in changed.items():
        number = int(name[1:])
        users[number] = replace(users[number], **change)
    return Facts(ADA, users)


def checked(*pairs: tuple[int | None, int | None], **changed: dict[str, Any]) -> dict[int, list[Problem]]:
    """The problems of these pairs, in rows from 2 on, without the warning about inactive targets."""
    rows = [CandidateRow(number, *pair) for number, pair in enumerate(pairs, start=2)]
    found = check_rows(rows, facts(**changed))
    return {
        number: [problem for problem in problems if problem.code != "inactive-target"]
        for number, problems in found.items()
    }


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def sentences(found: dict[int, list[Problem]], code: str) -> dict[int, str]:
    """The sentence of this problem on every row that has it."""
    return {
        number: problem.sentence
        for number, problems in found.items()
        for problem in problems
        if problem.code == code
    }
