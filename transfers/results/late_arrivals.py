"""Late arrivals: records that were added for a source after its pair had been transferred.

They are counted in the background with the same owner columns as the run, and the counts are stored with the transfer.
docs/decisions/late-arrivals.md explains how they are moved, and why.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from transfers.engine.prediction import FEW_PAIRS, rows_of_sources
from transfers.engine.stage import StagedPair
from transfers.models import Kind, Transfer, TransferPair
from transfers.models.pair import IN_EFFECT
from transfers.models.transfer import RESULTS
from transfers.registry import data_types
from transfers.rules import DataType

RECOUNT_AFTER = timedelta(minutes=10)
Rows = dict[str, int]  # number of records by data type key


def pairs_to_look_at(transfer: Transfer) -> QuerySet[TransferPair]:
    """Return the pairs in effect whose source has not been the source or target of a later one.

    If a pair was undone, its records are with its source again, and they are no late arrivals.
    If it was the source of a later pair, the page of that transfer shows its late arrivals. If it was the target of a
    later pair, its records are not late arrivals. Pairs are ordered by ID and not by time, because clocks may jump. A
    user's pairs have IDs in the order of their runs, because a user is in at most one open transfer at a time.
    """
    later_pairs = TransferPair.objects.filter(
        Q(source_id=OuterRef("source_id")) | Q(target_id=OuterRef("source_id")),
        IN_EFFECT,
        pk__gt=OuterRef("pk"),
    )
    pairs = TransferPair.objects.filter(IN_EFFECT, transfer=transfer)
    return pairs.exclude(Exists(later_pairs)).order_by("row_number")


def find_late(transfer: Transfer) -> dict[int, Rows]:
    """Return, by pair ID, the numbers of records that the pair's source has now. Pairs without any are left out.

    Takes a constant number of queries for each `FEW_PAIRS` pairs.
    """
    ids = pairs_to_look_at(transfer).values_list("pk", "source_id", "target_id")
    staged = [StagedPair(*pair) for pair in ids]
    found: dict[int, Rows] = {}
    for start in range(0, len(staged), FEW_PAIRS):
        found |= rows_of_sources(staged[start : start + FEW_PAIRS])
    return found


def count_late(transfer_id: int) -> Rows:
    """Count the late arrivals of a transfer by data type, store the numbers with the transfer and return them."""
    transfer = Transfer.objects.get(pk=transfer_id)
    rows: Counter[str] = Counter()
    for found in find_late(transfer).values():
        rows.update(found)
    ended = Transfer.objects.filter(pk=transfer_id, state__in=RESULTS)
    ended.update(late_rows=rows, late_counted_at=Now())
    return rows


def due(limit: int) -> list[int]:
    """Return the IDs of transfers to count next: ended in the last LATE_ARRIVALS_DAYS days, without a recent count."""
    recent = Q(finished_at__gt=Now() - timedelta(days=settings.LATE_ARRIVALS_DAYS))
    uncounted = Q(late_counted_at__isnull=True) | Q(late_counted_at__lt=Now() - RECOUNT_AFTER)
    ended = Transfer.objects.filter(recent, uncounted, state__in=RESULTS).exclude(kind=Kind.UNDO)
    return list(
        ended.order_by(F("late_counted_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit]
    )


@dataclass(frozen=True)
class LateLine:
    """The number of late arrivals of one data type."""

    data_type: DataType
    rows: int


@dataclass(frozen=True)
class Late:
    """The late arrivals of a transfer as its page shows them. `counted_at` is None before the first count."""

    counted_at: datetime | None
    lines: tuple[LateLine, ...]

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.lines)

    @property
    def overwritten(self) -> list[str]:
        """Names of the data types that an ordinary transfer overwrites, but a transfer of late arrivals combines."""
        return [line.data_type.name for line in self.lines if line.data_type.overwrites]


def late_of(transfer: Transfer) -> Late:
    """Return the late arrivals as last counted and stored, without a query."""
    rows = transfer.late_rows
    lines = (LateLine(entry, rows[entry.key]) for entry in data_types() if entry.key in rows)
    return Late(transfer.late_counted_at, tuple(lines))
