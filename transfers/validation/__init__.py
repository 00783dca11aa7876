"""The meaning of rows: does this user exist, may this person touch them, do the rows get into each other's way?

`facts.user_facts` asks the database, with a number of queries that does not depend on the rows; `rows.judge_rows` and
`rows.judge_file` turn the answers into problems. The same judgement serves the form, a file, the command line and the
check right before a chunk runs.
"""

from transfers.validation.facts import Facts, UserFacts, gather
from transfers.validation.file import judge_file
from transfers.validation.kinds import MAXIMUM_PAIRS
from transfers.validation.rows import CandidateRow, judge_rows
from transfers.validation.suggestions import with_suggestions
from transfers.validation.upcoming import Upcoming, upcoming_of

__all__ = [
    "MAXIMUM_PAIRS",
    "CandidateRow",
    "Facts",
    "Upcoming",
    "UserFacts",
    "gather",
    "judge_file",
    "judge_rows",
    "upcoming_of",
    "with_suggestions",
]
