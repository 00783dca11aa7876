"""From what stands in a cell to what is judged."""

from transfers.models import DraftRow
from transfers.people_csv import FROM_USER_ID, is_blank
from transfers.validation import CandidateRow


def candidate(row: DraftRow, named: str = FROM_USER_ID) -> CandidateRow:
    """A stored row, as the validation takes it. `named`: the column whose users the file's names belong to."""
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
