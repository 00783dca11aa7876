"""Check what rows mean: whether their users exist, whether the person may transfer them, and whether rows conflict.

`facts.gather` reads the database in a constant number of queries; `rows.check_rows` and `rows.check_file` turn the
facts into problems. The form, the file, the command line and the recheck right before a chunk runs all use the same
checks.
"""

from transfers.validation.candidates import CandidateRow
from transfers.validation.facts import Facts, UserFacts, gather
from transfers.validation.identifiers import with_users
from transfers.validation.identity import with_claims
from transfers.validation.problem_kinds import MAXIMUM_PAIRS
from transfers.validation.rows import check_file, check_rows
from transfers.validation.suggestions import with_named_users, with_suggestions
from transfers.validation.suspicion import suspicion, target_column, written_targets
from transfers.validation.upcoming import Upcoming, upcoming_of

__all__ = [
    "MAXIMUM_PAIRS",
    "CandidateRow",
    "Facts",
    "Upcoming",
    "UserFacts",
    "check_file",
    "check_rows",
    "gather",
    "suspicion",
    "target_column",
    "upcoming_of",
    "with_claims",
    "with_named_users",
    "with_suggestions",
    "with_users",
    "written_targets",
]
