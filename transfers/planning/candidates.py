"""Convert a stored row of a draft to a row that the validation can check."""

from transfers.models import DraftRow
from transfers.people_csv import FROM_USER_ID, is_blank
from transfers.people_csv.problem_kinds import NOT_A_USER, SHORT_ROW
from transfers.validation import CandidateRow

WITHOUT_ID = (SHORT_ROW.code, NOT_A_USER.code)


def candidate(row: DraftRow, named: str = FROM_USER_ID) -> CandidateRow:
    """Return the stored row as a `CandidateRow`. `named` is the ID column that the names in the file belong to."""
    return CandidateRow(
        row.number,
        row.from_id,
        row.to_id,
        not is_blank(row.from_text) or is_explained(row),
        not is_blank(row.to_text) or is_explained(row),
        row.first_name,
        row.last_name,
        named,
    )


def is_explained(row: DraftRow) -> bool:
    """Return whether a problem of the entire row says why an ID is missing."""
    return any(problem["code"] in WITHOUT_ID for problem in row.cell_problems)
