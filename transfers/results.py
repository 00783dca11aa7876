"""What has happened to a transfer so far: the numbers of its page, its lists and its downloads. Reads only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from transfers.models import PairState, Transfer, TransferPair
from transfers.registry import data_types
from transfers.rules import DataType

PAIRS_BEFORE_AN_ESTIMATE = 20
QUIET = timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """Numbers of pairs. `done` were tried to the end; `weight` counts the rows they were seen to carry."""

    total: int
    succeeded: int
    failed: int
    not_started: int
    weight: int
    weight_done: int
    started_at: datetime | None
    moved_at: datetime | None

    @property
    def done(self) -> int:
        return self.succeeded + self.failed

    @property
    def not_transferred(self) -> int:
        return self.failed + self.not_started

    def left(self, now: datetime) -> timedelta | None:
        """How long it will still take at the pace so far; None until enough pairs were seen."""
        if self.started_at is None or self.done < PAIRS_BEFORE_AN_ESTIMATE:
            return None
        # An empty pair costs something too, so each counts as one row more than it carries.
        done = int(self.weight_done) + self.done
        ahead = int(self.weight) + self.total - done
        return (now - self.started_at) * ahead / done


def progress_of(transfer: Transfer) -> Progress:
    """One query, whatever the number of pairs."""
    handled = Q(state__in=(PairState.SUCCEEDED, PairState.FAILED))
    numbers = TransferPair.objects.filter(transfer=transfer).aggregate(
        total=Count("id"),
        succeeded=Count("id", filter=Q(state=PairState.SUCCEEDED)),
        failed=Count("id", filter=Q(state=PairState.FAILED)),
        not_started=Count("id", filter=Q(state=PairState.NOT_STARTED)),
        weight=Sum("weight", default=0),
        weight_done=Sum("weight", filter=handled, default=0),
        first=Min("started_at"),
        touched=Max("started_at"),
        ended=Max("finished_at"),
    )
    first, touched, ended = (numbers.pop(name) for name in ("first", "touched", "ended"))
    moments = (ended, touched, transfer.started_at, transfer.confirmed_at)
    return Progress(
        **numbers,
        started_at=first or transfer.started_at,
        moved_at=max((moment for moment in moments if moment), default=None),
    )


def waits_for_a_worker(transfer: Transfer, progress: Progress) -> bool:
    """Has nothing moved for a minute?"""
    return transfer.is_open and progress.moved_at is not None and timezone.now() - progress.moved_at > QUIET


def in_words(left: timedelta | None) -> str:
    """ "about 25 minutes left", or "" while it cannot be said."""
    if left is None:
        return ""
    minutes = round(left.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute left"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(minutes / 60)} hours left"


def length(time: timedelta) -> str:
    """How long something took: "4 s", "3 min 4 s", "2 h 3 min"."""
    minutes, seconds = divmod(max(round(time.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@dataclass(frozen=True)
class TypeCount:
    """The rows of one data type, over all pairs of a transfer."""

    data_type: DataType
    source: int = 0
    target: int = 0
    moved: int = 0
    dropped: int = 0
    merged: int = 0
    replaced: int = 0


NUMBERS = ("source", "target", "moved", "dropped", "merged", "replaced")

# Adds up the counts of every succeeded pair by data type. Reads transfers_transferpair by its unique index on
# (transfer_id, source_id).
TOTALS = """
SELECT entry.key, number.key, sum(number.value::bigint)
FROM transfers_transferpair pair, jsonb_each(pair.counts) entry, jsonb_each_text(entry.value) number
WHERE pair.transfer_id = %s AND pair.state = 'succeeded'
GROUP BY entry.key, number.key
"""


def totals_by_type(transfer: Transfer) -> list[TypeCount]:
    """In the order of the registry; types without a row are left out, and so are types no app brings any more."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [transfer.pk])
        sums = nested(cursor.fetchall())
    return [type_count(entry, sums[entry.key]) for entry in data_types() if entry.key in sums]


def nested(rows: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for key, number, total in rows:
        sums.setdefault(key, {})[number] = int(total)
    return sums


def type_count(data_type: DataType, numbers: dict[str, int]) -> TypeCount:
    return TypeCount(data_type, **{name: numbers.get(name, 0) for name in NUMBERS})


def counts_of(pair: TransferPair) -> Iterator[TypeCount]:
    """Every data type in the order of the registry, zeros included."""
    for entry in data_types():
        yield type_count(entry, pair.counts.get(entry.key, {}))
