"""Facts and rows for the pure judgement: users 1 to 99 can be seen, nobody else."""

from dataclasses import replace
from typing import Any

from transfers.problems import Problem
from transfers.validation import CandidateRow, Facts, UserFacts, judge_rows

ADA = 1  # the acting person


def user(number: int, **facts: Any) -> UserFacts:
    """Somebody inactive as a source and of no rank, so that nothing is to be said of them."""
    first, last = f"First{letters(number)}", f"Last{letters(number)}"
    return replace(UserFacts(number, first, last, f"u{number}", False, False, False, None), **facts)


def letters(number: int) -> str:
    """A name of its own for every number; digits do not count in names."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def facts(**changed: dict[str, Any]) -> Facts:
    """The users 1 to 99; `u19={"is_active": True}` changes one of them."""
    users = {number: user(number) for number in range(1, 100)}
    for name, change in changed.items():
        number = int(name[1:])
        users[number] = replace(users[number], **change)
    return Facts(ADA, users)


def judged(*pairs: tuple[int | None, int | None], **changed: dict[str, Any]) -> dict[int, list[Problem]]:
    """The problems of these pairs, in rows from 2 on. That a target is inactive is not mentioned."""
    rows = [CandidateRow(number, *pair) for number, pair in enumerate(pairs, start=2)]
    found = judge_rows(rows, facts(**changed))
    return {
        number: [problem for problem in problems if problem.code != "inactive-target"]
        for number, problems in found.items()
    }


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def sentences(found: dict[int, list[Problem]], code: str) -> dict[int, str]:
    """Of every row that has the problem, what is said."""
    return {
        number: problem.sentence
        for number, problems in found.items()
        for problem in problems
        if problem.code == code
    }
