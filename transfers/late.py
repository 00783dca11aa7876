"""Late arrivals: rows that somebody wrote for a source after its pair had been transferred.

They are looked for in the background, by the same compiled owners as the run's, and what was found is stored with the
transfer. What becomes of them, and why, is in docs/decisions/late-arrivals.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from transfers.engine.preview import FEW_PAIRS, rows_of_sources
from transfers.engine.stage import StagedPair
from transfers.models import PairState, Transfer, TransferPair
from transfers.models.transfer import RESULTS
from transfers.registry import data_types
from transfers.rules import DataType

LOOK_AGAIN = timedelta(minutes=10)
Rows = dict[str, int]  # by the key of the data type


def pairs_to_look_at(transfer: Transfer) -> QuerySet[TransferPair]:
    """The pairs whose source has been in no other pair since, in either role.

    Nobody is in two open transfers, so that the pairs of one person follow each other as their ids do, whatever the
    clock says.
    What the source of a later pair has belongs to the page of that transfer, and what a later target has is theirs.
    """
    since = TransferPair.objects.filter(
        Q(source_id=OuterRef("source_id")) | Q(target_id=OuterRef("source_id")),
        state=PairState.SUCCEEDED,
        pk__gt=OuterRef("pk"),
    )
    pairs = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED)
    return pairs.exclude(Exists(since)).order_by("row_number")


def find_late(transfer: Transfer) -> dict[int, Rows]:
    """What each pair's source has now, by the pair's id; pairs without any are left out. A few queries a portion."""
    ids = pairs_to_look_at(transfer).values_list("pk", "source_id", "target_id")
    staged = [StagedPair(*pair) for pair in ids]
    found: dict[int, Rows] = {}
    for start in range(0, len(staged), FEW_PAIRS):
        found |= rows_of_sources(staged[start : start + FEW_PAIRS])
    return found


def count_late(transfer_id: int) -> Rows:
    """Look for late arrivals now, and store how many there are of each data type."""
    transfer = Transfer.objects.get(pk=transfer_id)
    rows = add_up(find_late(transfer))
    ended = Transfer.objects.filter(pk=transfer_id, state__in=RESULTS)
    ended.update(late_rows=rows, late_counted_at=Now())
    return rows


def add_up(found: Mapping[int, Rows]) -> Rows:
    total: Counter[str] = Counter()
    for rows in found.values():
        total.update(rows)
    return dict(total)


def due(limit: int) -> list[int]:
    """The transfers to look at next: ended some days ago at most, and not looked at for a while."""
    young = Q(finished_at__gt=Now() - timedelta(days=settings.LATE_ARRIVALS_DAYS))
    unseen = Q(late_counted_at__isnull=True) | Q(late_counted_at__lt=Now() - LOOK_AGAIN)
    ended = Transfer.objects.filter(young, unseen, state__in=RESULTS)
    return list(
        ended.order_by(F("late_counted_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit]
    )


@dataclass(frozen=True)
class LateLine:
    """So many late rows of a data type."""

    data_type: DataType
    rows: int


@dataclass(frozen=True)
class Late:
    """What the page shows: nothing is known before `counted_at`."""

    counted_at: datetime | None
    lines: tuple[LateLine, ...]

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.lines)

    @property
    def overwritten(self) -> list[str]:
        """The names of those types that a transfer overwrites, and that are combined here."""
        return [line.data_type.name for line in self.lines if line.data_type.overwrites]


def late_of(transfer: Transfer) -> Late:
    """What was stored when it was last looked for; no query."""
    return Late(transfer.late_counted_at, tuple(lines(transfer.late_rows)))


def lines(rows: Mapping[str, int]) -> Iterator[LateLine]:
    for entry in data_types():
        if entry.key in rows:
            yield LateLine(entry, rows[entry.key])
