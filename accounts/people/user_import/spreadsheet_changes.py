"""Finds user names and employee IDs that a spreadsheet seems to have changed, such as 123 for 00123, or 2-Oct for 10-2.

They are warnings, because such a value may also be right.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import F, Func, Max, Min, Value
from django.db.models.functions import Length

from accounts.models import User
from accounts.people.user_import import problem_kinds
from accounts.people.user_import.outcome import Outcome
from accounts.people.user_import.reader import EMPLOYEE_ID, USER_NAME
from accounts.scope import visible_users
from wording.problems import Problem, Sentence

FIELDS = {USER_NAME: "username", EMPLOYEE_ID: "employee_id"}
# Abbreviations of the months as spreadsheets write them in the languages of western and northern Europe.
MONTH = (
    "(?:jan|janv|ene|gen|feb|fév|févr|fev|mar|mär|märz|mrz|mrt|mars|apr|avr|abr|may|mai|maj|mei|mag|maio|jun|juni|juin"
    "|giu|jul|juli|juil|lug|aug|août|ago|sep|sept|set|oct|okt|ott|out|nov|dec|déc|dez|dic|des)[.]?"
)
DATE = re.compile(
    rf"\d{{1,2}}[-./ ]+{MONTH}([-./ ]\d{{2,4}})?|{MONTH}[- ]\d{{2}}"
    r"|\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}(?P<mark>[./])\d{1,2}(?P=mark)\d{2,4}|\d{1,2}[.]\d{1,2}[.]"
    r"|\d{1,2}[月월] ?\d{1,2}[日일]",
    re.IGNORECASE | re.ASCII,
)
NUMBER = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]{2,}", re.IGNORECASE)
ROUNDED = re.compile(r"[1-9][0-9]{14}0+")  # spreadsheets keep 15 digits
MADE = (
    (DATE, Sentence("a date")),
    (NUMBER, Sentence("a number in scientific notation")),
    (ROUNDED, Sentence("a number rounded to 15 digits")),
)
WHOLE_NUMBER = re.compile(r"[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True)
class LeadingZeros:
    """The values of a column that start with zeros, among the users whom the person can see and in the file.

    `spelled` maps such a value without its zeros to the value. `width` is their length if all have the same, else 0.
    """

    spelled: dict[str, str]
    width: int

    def expected(self, text: str) -> str:
        """Return what the number in `text` probably was, or "" if it seems to be right."""
        return self.spelled.get(text) or (text.zfill(self.width) if len(text) < self.width else "")


def warn_of_changes(outcomes: Sequence[Outcome], person: User) -> None:
    for column in FIELDS:
        new = [(outcome, outcome.row.cells[column]) for outcome in outcomes if is_new(outcome, column)]
        zeros = leading_zeros(person, column, [text for _, text in new])
        for outcome, text in new:
            outcome.warnings += warnings_of(text, column, outcome.row.number, zeros)


def is_new(outcome: Outcome, column: str) -> bool:
    """Return whether the import would store the value. It never changes the user name of an existing user.

    A cell that a workbook says is a date or an error has an error already.
    """
    if column not in outcome.row.cells or (column == USER_NAME and outcome.user):
        return False
    if any(fault["column"] == column for fault in outcome.row.faults):
        return False
    return outcome.row.cells[column] != outcome.before.get("Employee ID")


def warnings_of(text: str, column: str, row: int, zeros: LeadingZeros) -> Iterator[Problem]:
    for pattern, what in MADE:
        if pattern.fullmatch(text):
            yield problem_kinds.MADE_BY_SPREADSHEET(row=row, column=column, value=text, what=what)
    if WHOLE_NUMBER.fullmatch(text) and (expected := zeros.expected(text)):
        yield problem_kinds.LOST_ZEROS(row=row, column=column, value=text, expected=expected)


def leading_zeros(person: User, column: str, texts: Iterable[str]) -> LeadingZeros:
    field = FIELDS[column]
    numbers = [text for text in texts if text.isdecimal()]
    stored = visible_users(person).filter(**{f"{field}__regex": "^0[0-9]+$"})
    widths = stored.aggregate(least=Min(Length(field)), most=Max(Length(field)))
    bare = Func(F(field), Value("0"), function="LTRIM")
    spelled = dict(stored.annotate(bare=bare).filter(bare__in=numbers).values_list("bare", field))
    lengths = {widths["least"], widths["most"], *(len(text) for text in numbers if text[0] == "0")} - {None}
    return LeadingZeros(spelled, lengths.pop() if len(lengths) == 1 else 0)
