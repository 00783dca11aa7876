"""Late arrivals: records that were added for a source after its pair had been transferred.

They are counted in the background with the owners that the run uses, and the counts are stored with the transfer.
docs/decisions/late-arrivals.md says how they are moved, and why.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from transfers.engine.prediction import FEW_PAIRS, rows_of_sources
from transfers.engine.stage import StagedPair
from transfers.models import PairState, Transfer, TransferPair
from transfers.models.transfer import RESULTS
from transfers.registry import data_types
from transfers.rules import DataType

RECOUNT_AFTER = timedelta(minutes=10)
Rows = dict[str, int]  # by the key of the data type


def pairs_to_look_at(transfer: Transfer) -> QuerySet[TransferPair]:
    """The succeeded pairs whose source has been in no later pair, in either role.

    Records of a source in a later pair belong to that transfer's page; those of a later target are the target's own.
    A user is in at most one open transfer, so the order of a user's pairs is the order of their ids; clocks may jump.
    """
    later_pairs = TransferPair.objects.filter(
        Q(source_id=OuterRef("source_id")) | Q(target_id=OuterRef("source_id")),
        state=PairState.SUCCEEDED,
        pk__gt=OuterRef("pk"),
    )
    pairs = TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED)
    return pairs.exclude(Exists(later_pairs)).order_by("row_number")


def find_late(transfer: Transfer) -> dict[int, Rows]:
    """Map pair id → rows the pair's source has now, where it has any. A few queries per portion of pairs."""
    ids = pairs_to_look_at(transfer).values_list("pk", "source_id", "target_id")
    staged = [StagedPair(*pair) for pair in ids]
    found: dict[int, Rows] = {}
    for start in range(0, len(staged), FEW_PAIRS):
        found |= rows_of_sources(staged[start : start + FEW_PAIRS])
    return found


def count_late(transfer_id: int) -> Rows:
    """Count late arrivals now, and store the numbers by data type."""
    transfer = Transfer.objects.get(pk=transfer_id)
    rows: Counter[str] = Counter()
    for found in find_late(transfer).values():
        rows.update(found)
    ended = Transfer.objects.filter(pk=transfer_id, state__in=RESULTS)
    ended.update(late_rows=rows, late_counted_at=Now())
    return rows


def due(limit: int) -> list[int]:
    """Transfers to count next: ended within LATE_ARRIVALS_DAYS and not counted recently."""
    recent = Q(finished_at__gt=Now() - timedelta(days=settings.LATE_ARRIVALS_DAYS))
    uncounted = Q(late_counted_at__isnull=True) | Q(late_counted_at__lt=Now() - RECOUNT_AFTER)
    ended = Transfer.objects.filter(recent, uncounted, state__in=RESULTS)
    return list(
        ended.order_by(F("late_counted_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit]
    )


@dataclass(frozen=True)
class LateLine:
    """The number of late records of a data type."""

    data_type: DataType
    rows: int


@dataclass(frozen=True)
class Late:
    """Late arrivals as the page shows them. `counted_at` is None before the first count."""

    counted_at: datetime | None
    lines: tuple[LateLine, ...]

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.lines)

    @property
    def overwritten(self) -> list[str]:
        """Names of the types that a transfer overwrites but moving late arrivals combines."""
        return [line.data_type.name for line in self.lines if line.data_type.overwrites]


def late_of(transfer: Transfer) -> Late:
    """The stored counts; no query."""
    rows = transfer.late_rows
    lines = (LateLine(entry, rows[entry.key]) for entry in data_types() if entry.key in rows)
    return Late(transfer.late_counted_at, tuple(lines))
