"""Check whether the texts beside an ID speak of its user, to detect sheets in which one column was sorted separately.

User name and email decide, because they are unique; then the employee ID, which spreadsheets may have changed; then the
names. See docs/decisions/identity-of-rows.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from transfers.people_csv.spelling import fold
from transfers.validation import problem_kinds
from transfers.validation.candidates import CandidateRow
from transfers.validation.comparison import EMPLOYEE_ID, KEYS, NAMES, Match, Matches, compare, known_text
from transfers.validation.facts import Claim, Facts, UserFacts, claimed_by_others
from wording.problems import Kind, Problem, Sentence

WORDS = {"user_name": "user name", "email": "email", EMPLOYEE_ID: "employee ID"}


def check_identity(
    row: CandidateRow, user: UserFacts, facts: Facts, where: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield an error if the row speaks of another user, or a warning if only a part of it does not fit."""
    matches = compare(row, user, facts.code_pages)
    if kind := verdict(row, matches, facts):
        what, in_file, known = difference(row, user, matches)
        yield kind(**where, what=Sentence(what), in_file=in_file, name=known)


def verdict(row: CandidateRow, matches: Matches, facts: Facts) -> Kind | None:
    fitting = {field for field, match in matches.items() if match is Match.SAME}
    misfits = {field for field, match in matches.items() if match is Match.OTHER}
    of_others = {field for field in WORDS if field not in fitting and claim(row, field) in facts.claimed}
    decided = not fitting.isdisjoint(KEYS)
    if of_others.intersection(KEYS) or (of_others and not decided):
        return problem_kinds.MISSORTED
    if decided or EMPLOYEE_ID in fitting:
        return problem_kinds.PARTLY_DIFFERENT if misfits else None
    if misfits - {EMPLOYEE_ID}:
        return problem_kinds.MISSORTED
    return problem_kinds.PARTLY_DIFFERENT if misfits or Match.CLOSE in matches.values() else None


def difference(row: CandidateRow, user: UserFacts, matches: Matches) -> tuple[str, str, str]:
    """Return what differs, the text in the file, and the user. If the names differ, only they are mentioned."""
    worst = Match.OTHER if Match.OTHER in matches.values() else Match.CLOSE
    field = next((field for field in (*NAMES, *WORDS) if matches[field] is worst), "")
    if field not in WORDS:
        return "name", f"{row.first_name} {row.last_name}".strip(), user.name
    own = known_text(user, field) or "none"
    return WORDS[field], getattr(row, field), f"{user.name} ({own})"


# --- Texts that belong to others -------------------------------------------------------------------------------------


def claim(row: CandidateRow, field: str) -> Claim:
    return field, fold(getattr(row, field))


def with_claims(person: User, rows: Iterable[CandidateRow], facts: Facts) -> Facts:
    """Return the facts with those texts in the rows that belong to other users whom `person` can see."""
    return replace(facts, claimed=claimed_by_others(person, open_claims(rows, facts)))


def open_claims(rows: Iterable[CandidateRow], facts: Facts) -> Iterator[Claim]:
    """Yield the field and text of each user name, email and employee ID that is not that of the user with the ID.

    Texts in an unknown code page are left out, because they cannot be looked up.
    """
    for row in rows:
        user = facts.users.get(row.named_id or 0)
        for field in WORDS if user else ():
            text = getattr(row, field)
            if text and user and text != known_text(user, field) and (text.isascii() or not row.code_page):
                yield field, text.strip()
