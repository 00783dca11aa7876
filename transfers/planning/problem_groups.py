"""Problems that several rows of a draft share: their numbers, and one sentence for all of these rows.

The pages say a shared problem once, with its number. A row then shows only its mark, such as "Active source".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from transfers.models import DraftRow, Transfer
from transfers.people_csv import problem_kinds as cell_kinds
from transfers.validation import problem_kinds
from wording.display_text import isolated
from wording.problems import Kind, Problem, Severity

Status = DraftRow.Status


@dataclass(frozen=True)
class SharedWords:
    """How a kind is said of several rows: a `str.format` template, and the mark for each of the rows.

    Without a mark, the rows say the problem themselves, because it is different in each.
    """

    sentence: str
    mark: str = ""


def words_by_code(words: Mapping[Kind, SharedWords]) -> dict[str, SharedWords]:
    return {kind.code: said for kind, said in words.items()}


SHARED_WORDS = words_by_code(
    {
        problem_kinds.UNKNOWN_USER: SharedWords(
            "{rows:,} rows hold an ID that no user has, such as {value} in row {row}."
        ),
        problem_kinds.NO_SOURCE: SharedWords("{rows:,} rows have a To User ID but no From User ID."),
        problem_kinds.NO_TARGET: SharedWords("{rows:,} rows have a From User ID but no To User ID."),
        problem_kinds.TENANT_ADMINISTRATOR: SharedWords(
            "{rows:,} rows name a tenant administrator. Tenant administrators cannot take part in a transfer."
        ),
        problem_kinds.ACTING_PERSON: SharedWords(
            "{rows:,} rows name your own account. You cannot take part in a transfer that you run."
        ),
        problem_kinds.BUSY: SharedWords(
            "{rows:,} rows name users who are part of a transfer that is running now."
        ),
        problem_kinds.ID_IS_NAME: SharedWords(
            "{rows:,} rows hold a name, user name or email instead of an ID."
        ),
        problem_kinds.SAME_USER: SharedWords("{rows:,} rows have the same user as source and target."),
        problem_kinds.TWO_TARGETS: SharedWords(
            "{rows:,} rows give a user's data to more than one user.", mark="Source also in another row"
        ),
        problem_kinds.TWO_SOURCES: SharedWords(
            "{rows:,} rows share their Target User with another row, so schedules would overwrite each other.",
            mark="Target also in another row",
        ),
        problem_kinds.CHAIN: SharedWords(
            "{rows:,} rows depend on another row: a user is both source and target.", mark="Part of a chain"
        ),
        problem_kinds.MISSORTED: SharedWords("{rows:,} rows name a different user than their ID."),
        cell_kinds.SHORT_ROW: SharedWords("{rows:,} rows end before the last ID column."),
        cell_kinds.LONG_ROW: SharedWords(
            "{rows:,} rows have more cells than the header, so their cells may have shifted."
        ),
        cell_kinds.ID_THOUSANDS: SharedWords(
            "{rows:,} rows hold an ID with a thousands separator, such as {value} in row {row}."
        ),
        cell_kinds.ID_SHORTENED: SharedWords(
            "{rows:,} rows hold an ID that the spreadsheet shortened, such as {value} in row {row}."
        ),
        cell_kinds.ID_IS_DATE: SharedWords(
            "{rows:,} rows hold a date that the spreadsheet made of an ID, such as {value} in row {row}."
        ),
        cell_kinds.ID_IS_FORMULA: SharedWords(
            "{rows:,} rows hold a formula or a formula error, such as “{value}” in row {row}."
        ),
        cell_kinds.ID_IS_TEXT: SharedWords(
            "{rows:,} rows hold text instead of an ID, such as “{value}” in row {row}."
        ),
        problem_kinds.ACTIVE_SOURCE: SharedWords(
            "{rows:,} Source Users are still active. Anything recorded from now on will stay with them.",
            mark="Active source",
        ),
        problem_kinds.INACTIVE_TARGET: SharedWords(
            "{rows:,} Target Users are inactive; the data will not be visible in schedules.",
            mark="Inactive target",
        ),
        problem_kinds.UPCOMING: SharedWords(
            "{rows:,} Target Users have upcoming records, which will be replaced.",
            mark="Upcoming replaced",
        ),
        problem_kinds.NOTHING_TO_MOVE: SharedWords(
            "{rows:,} Source Users have no records; nothing will move.", mark="No records"
        ),
        problem_kinds.TRANSFERRED_BEFORE: SharedWords(
            "{rows:,} pairs were transferred before. Running them again moves only what was recorded since then.",
            mark="Transferred before",
        ),
        problem_kinds.REPEATED: SharedWords(
            "{rows:,} rows repeat another row. Each of these pairs will be transferred once.", mark="Repeated"
        ),
        problem_kinds.IDENTIFIER_OF_MANY: SharedWords(
            "{rows:,} rows hold a text that more than one user may have, such as “{value}” in row {row}."
        ),
        problem_kinds.IDENTIFIERS_DISAGREE: SharedWords(
            "{rows:,} rows name two users where one is meant, by ID, email, user name or employee ID."
        ),
        problem_kinds.IDENTIFIER_UNREADABLE: SharedWords(
            "{rows:,} rows hold letters that may be others than you typed, such as “{value}” in row {row}."
        ),
        problem_kinds.IDENTIFIER_UNKNOWN: SharedWords(
            "{rows:,} rows name a user that does not exist, such as “{value}” in row {row}."
        ),
        problem_kinds.IDENTIFIED: SharedWords(
            "{rows:,} rows name a user by email, user name or employee ID, such as “{value}” in row {row}.",
            mark="Read as user",
        ),
        cell_kinds.ID_READ_AS: SharedWords(
            "{rows:,} rows hold an ID that was written as {value}, for example, and was read as a whole number.",
            mark="ID read as number",
        ),
    }
)
OTHER = SharedWords("{rows:,} rows have the same problem. For example: {sentence}")

# A row's status → the severities of the problems that its row shows. Warnings of a row with errors are left out: they
# matter only if the row can run.
SHOWN = {
    Status.ERROR: (Severity.ERROR,),
    Status.WARNING: (Severity.WARNING, Severity.NOTE),
    Status.READY: (Severity.NOTE,),
}


# Suggestions for these are accepted row by row: they say that a column may have been sorted on its own.
ONE_BY_ONE = frozenset({problem_kinds.MISSORTED.code})


def with_problem(code: str) -> Q:
    """Return a filter for the rows that show a problem with this code."""
    wanted = Q()
    for status, severities in SHOWN.items():
        for severity in severities:
            same = [{"code": code, "severity": severity.value}]
            wanted |= Q(status=status, problems__contains=same)
    return wanted


@dataclass(frozen=True)
class ProblemGroup:
    """The rows with the same kind of problem.

    `count` rows have it, in `suggested` of them with a suggestion. `rows` are the first row numbers, `problem` is the
    problem of the first row.
    """

    count: int
    suggested: int
    rows: Sequence[int]
    problem: Problem

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def is_error(self) -> bool:
        return self.problem.severity is Severity.ERROR

    @property
    def accepted_at_once(self) -> int:
        """The number of suggestions that can be accepted together."""
        return 0 if self.code in ONE_BY_ONE else self.suggested

    @property
    def is_shared(self) -> bool:
        return self.count > 1

    @property
    def more(self) -> int:
        return self.count - len(self.rows)

    @property
    def sentence(self) -> str:
        """The sentence of the only row, or a sentence about all of the rows."""
        if not self.is_shared:
            return self.problem.sentence
        first = self.problem
        words = {"rows": self.count, "row": first.row or self.rows[0], "value": isolated(first.value)}
        said = SHARED_WORDS.get(self.code, OTHER).sentence
        return said.format_map(words | {"sentence": first.sentence})

    @property
    def remedy(self) -> str:
        """What to do; empty if the suggestions can be accepted."""
        return "" if self.accepted_at_once > 1 else self.problem.remedy

    @property
    def mark(self) -> str:
        """The mark of each row, or "" if the row says the problem itself."""
        words = SHARED_WORDS.get(self.code)
        return words.mark if words and self.is_shared else ""


ROWS_NAMED = 5

# Groups the problems that a draft's rows show by code, errors first and the most frequent first, with the first rows
# and the first problem of each group. Uses the unique index on (transfer_id, number) of transfers_draftrow.
PROBLEM_GROUPS = """
SELECT count(DISTINCT number),
       count(DISTINCT number) FILTER (WHERE problem->>'suggestion' IS NOT NULL),
       (array_agg(DISTINCT number))[1:%s],
       (array_agg(problem ORDER BY number))[1]
FROM transfers_draftrow, jsonb_array_elements(problems) problem
WHERE transfer_id = %s AND (status, problem->>'severity') IN (SELECT * FROM unnest(%s::text[], %s::text[]))
GROUP BY problem->>'code', problem->>'severity'
ORDER BY count(DISTINCT number) DESC, min(number)
"""


def problem_groups(draft: Transfer) -> list[ProblemGroup]:
    shown = [
        (status.value, severity.value) for status, severities in SHOWN.items() for severity in severities
    ]
    statuses, severities = zip(*shown, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(PROBLEM_GROUPS, [ROWS_NAMED, draft.pk, list(statuses), list(severities)])
        found = [
            ProblemGroup(count, suggested, rows, Problem.from_json(json.loads(first)))
            for count, suggested, rows, first in cursor.fetchall()
        ]
    return sorted(found, key=lambda group: not group.is_error)


def marks_of(groups: Sequence[ProblemGroup]) -> dict[str, str]:
    """Return the marks of the shared problems by code."""
    return {group.code: group.mark for group in groups if group.mark}
