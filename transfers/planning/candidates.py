"""Convert the stored rows of a draft to rows that the validation can check."""

from collections.abc import Iterable

from transfers.models import DraftRow, Transfer
from transfers.people_csv import FROM_USER_ID, IDENTITY, TO_USER_ID, is_blank
from transfers.validation import CandidateRow


def candidates_of(draft: Transfer, rows: Iterable[DraftRow]) -> list[CandidateRow]:
    named = named_column(draft)
    code_page = bool(draft.file_summary.get("code_page"))
    return [candidate(row, named, code_page=code_page) for row in rows]


def named_column(draft: Transfer) -> str:
    """Return the ID column that the names in the file belong to, which is To User ID if the direction was swapped."""
    return TO_USER_ID if draft.file_summary.get("swapped") else FROM_USER_ID


def candidate(row: DraftRow, named: str, *, code_page: bool) -> CandidateRow:
    return CandidateRow(
        number=row.number,
        source_id=row.from_id,
        target_id=row.to_id,
        has_source=not is_blank(row.from_text),
        has_target=not is_blank(row.to_text),
        named=named,
        code_page=code_page,
        **{field: getattr(row, field) for field in IDENTITY.values()},
    )
