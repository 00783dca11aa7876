"""Find rows of a draft that were corrected in the downloaded rows with errors of another draft.

That file names its draft and the number of each row. Only drafts of the same person are looked for, and only rows that
still have an error there may be replaced: what the person has corrected or cleared in the meantime stays. A row that
was blank in the file of that draft is added to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from transfers.models import DraftRow, Kind, State, Transfer
from transfers.people_csv import FROM_USER_ID, Row
from wording.problems import Severity

Status = DraftRow.Status


@dataclass(frozen=True)
class Correction:
    """Rows of a draft that belong to `original`.

    selected: the number of rows that are selected there. rows: pairs of a row of this draft and the row there that it
    replaces. added: rows of this draft with their numbers there, which were not selected there. changed: the number of
    rows that have no error there, or were cleared. unmatched: the number of other rows, which belong to no row there.
    """

    original: Transfer
    selected: int
    rows: tuple[tuple[DraftRow, DraftRow], ...]
    added: tuple[tuple[DraftRow, int], ...]
    changed: int
    unmatched: int

    @property
    def taken(self) -> list[DraftRow]:
        """The rows of this draft that can be put there."""
        return [row for row, _ in (*self.rows, *self.added)]


def origin_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the number of the draft that the rows name, and by row number the rows there, or {}.

    Rows that name no draft, or another one than the first, are left out.
    """
    named = {row.number: row.origin for row in rows if row.origin}
    if not named:
        return {}
    draft = next(iter(named.values()))[0]
    return {
        "draft": draft,
        "rows": [[number, there] for number, (other, there) in named.items() if other == draft],
    }


def correction_of(draft: Transfer) -> Correction | None:
    """Return the rows that can be put into the draft they came from, or None if there is nothing to put there."""
    origin = draft.file_summary.get("corrects")
    if not origin:
        return None
    original = Transfer.objects.filter(
        number=origin["draft"],
        tenant_id=draft.tenant_id,
        requested_by=draft.requested_by_id,
        kind=Kind.BULK,
        state=State.DRAFT,
        pk__lt=draft.pk,
    ).first()
    return rows_of(draft, original, dict(origin["rows"])) if original else None


def rows_of(draft: Transfer, original: Transfer, places: dict[int, int]) -> Correction | None:
    there = {row.number: row for row in original.rows.all()}
    here = list(draft.rows.exclude(status=Status.CLEARED))
    first = {places[row.number]: row for row in reversed(here) if row.number in places}
    pairs = [(row, there[number]) for number, row in first.items() if number in there]
    rows = tuple(pair for pair in pairs if replaces(*pair))
    added = tuple((row, n) for n, row in first.items() if n not in there and was_blank(original, n))
    if not rows and not added:
        return None
    changed = sum(other.status != Status.ERROR for _, other in pairs)
    unmatched = len(here) - len(rows) - len(added) - changed
    selected = sum(row.status != Status.CLEARED for row in there.values())
    return Correction(original, selected, rows[::-1], added[::-1], changed, unmatched)


def was_blank(original: Transfer, number: int) -> bool:
    """Return whether the file of the draft may have had a row with this number and no target. It is not kept."""
    file = original.file_summary
    last = file.get("read", 0) + file.get("empty", 0) + 1
    return bool(file.get("blank")) and 2 <= number <= last


def replaces(row: DraftRow, other: DraftRow) -> bool:
    """Return whether the row may replace the other: it has an error still, and the row names the same source.

    Another source is accepted only if the source was the error. Otherwise the columns may have been sorted apart.
    """
    if other.status != Status.ERROR:
        return False
    return same_source(row, other) or any(
        problem["severity"] == Severity.ERROR and problem["column"] == FROM_USER_ID
        for problem in other.problems
    )


def same_source(row: DraftRow, other: DraftRow) -> bool:
    return (row.from_id or row.from_text) == (other.from_id or other.from_text)
