"""Convert the stored rows of a draft to rows that the validation can check."""

from collections.abc import Iterable

from transfers.models import DraftRow, Transfer
from transfers.people_csv import FROM_USER_ID, IDENTITY, TO_USER_ID, is_blank
from transfers.people_csv.problem_kinds import NOT_A_USER, SHORT_ROW
from transfers.validation import CandidateRow

WITHOUT_ID = (SHORT_ROW.code, NOT_A_USER.code)


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
        has_source=not is_blank(row.from_text) or is_explained(row),
        has_target=not is_blank(row.to_text) or is_explained(row),
        named=named,
        code_page=code_page,
        **{field: getattr(row, field) for field in IDENTITY.values()},
    )


def is_explained(row: DraftRow) -> bool:
    """Return whether a problem of the entire row says why an ID is missing."""
    return any(problem["code"] in WITHOUT_ID for problem in row.cell_problems)
