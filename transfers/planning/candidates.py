"""Convert a stored row of a draft to a row that the validation can check."""

from transfers.models import DraftRow
from transfers.people_csv import FROM_USER_ID, is_blank
from transfers.validation import CandidateRow


def candidate(row: DraftRow, named: str = FROM_USER_ID) -> CandidateRow:
    """Return the stored row as a `CandidateRow`. `named` is the ID column that the names in the file belong to."""
    return CandidateRow(
        row.number,
        row.from_id,
        row.to_id,
        not is_blank(row.from_text),
        not is_blank(row.to_text),
        row.first_name,
        row.last_name,
        named,
    )
