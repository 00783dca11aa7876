"""A row to be checked."""

from dataclasses import dataclass

from transfers.people_csv import FROM_USER_ID


@dataclass(frozen=True)
class CandidateRow:
    """A selected row to be checked. An ID is None if its cell is blank or cannot be read.

    `has_source` and `has_target` are False if the cell is blank. The texts from `first_name` to `employee_id` are read
    from the file and belong to the user in the ID column `named`. `code_page`: see `spreadsheets.encodings.Encoding`.
    """

    number: int
    source_id: int | None
    target_id: int | None
    has_source: bool = True
    has_target: bool = True
    first_name: str = ""
    last_name: str = ""
    named: str = FROM_USER_ID
    user_name: str = ""
    email: str = ""
    employee_id: str = ""
    code_page: bool = False

    @property
    def pair(self) -> tuple[int, int] | None:
        if self.source_id is None or self.target_id is None:
            return None
        return self.source_id, self.target_id

    @property
    def named_id(self) -> int | None:
        return self.source_id if self.named == FROM_USER_ID else self.target_id
