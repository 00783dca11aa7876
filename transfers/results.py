"""What has happened to a transfer so far: the numbers of its page, its lists and its downloads. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from transfers.engine.locks import without_a_worker
from transfers.engine.stage import Counts
from transfers.models import PairState, Transfer, TransferPair
from transfers.plan import Impact, ImpactLine, impact_of
from transfers.registry import data_types
from transfers.wording import counted

PAIRS_BEFORE_AN_ESTIMATE = 20
QUIET = timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """Numbers of pairs. `done` were tried to the end; `rows` is what they were seen to carry."""

    total: int
    succeeded: int
    failed: int
    not_started: int
    rows: int
    rows_done: int
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
        done = int(self.rows_done) + self.done
        ahead = int(self.rows) + self.total - done
        return (now - self.started_at) * ahead / done

    def pace(self, now: datetime) -> float | None:
        """Users a minute so far; None until enough pairs were seen."""
        if self.started_at is None or self.done < PAIRS_BEFORE_AN_ESTIMATE or now <= self.started_at:
            return None
        return self.done / (now - self.started_at).total_seconds() * 60


def progress_of(transfer: Transfer) -> Progress:
    """One query, whatever the number of pairs."""
    handled = Q(state__in=(PairState.SUCCEEDED, PairState.FAILED))
    numbers = TransferPair.objects.filter(transfer=transfer).aggregate(
        total=Count("id"),
        succeeded=Count("id", filter=Q(state=PairState.SUCCEEDED)),
        failed=Count("id", filter=Q(state=PairState.FAILED)),
        not_started=Count("id", filter=Q(state=PairState.NOT_STARTED)),
        rows=Sum("weight", default=0),
        rows_done=Sum("weight", filter=handled, default=0),
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
    """Has nothing moved for a minute, and is nobody at work on it? One large user may take longer than that."""
    quiet = progress.moved_at is not None and timezone.now() - progress.moved_at > QUIET
    return transfer.is_open and quiet and bool(without_a_worker([transfer.pk]))


def numbers_in_words(progress: Progress) -> str:
    """ "35 of 37 users transferred · 1 failed · 1 not started" """
    parts = [f"{progress.succeeded:,} of {counted(progress.total, 'user')} transferred"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.not_started:
        parts.append(f"{progress.not_started:,} not started")
    return " · ".join(parts)


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


def pace_in_words(pace: float | None) -> str:
    """ "about 48 users a minute", with two digits that count, or "" while it cannot be said."""
    if pace is None:
        return ""
    if pace < 1:
        return "less than one user a minute"
    number = round(pace) if pace < 100 else round(pace, 1 - floor(log10(pace)))
    return f"about {int(number):,} user{'s' if number > 1 else ''} a minute"


def length(time: timedelta) -> str:
    """How long something took: "4 s", "3 min 4 s", "2 h 3 min"."""
    minutes, seconds = divmod(max(round(time.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


# Adds up the counts of every succeeded pair by data type. Reads transfers_transferpair by its unique index on
# (transfer_id, source_id).
TOTALS = """
SELECT entry.key, number.key, sum(number.value::bigint)
FROM transfers_transferpair AS pair, jsonb_each(pair.counts) AS entry, jsonb_each_text(entry.value) AS number
WHERE pair.transfer_id = %s AND pair.state = 'succeeded'
GROUP BY entry.key, number.key
"""


def impact_so_far(transfer: Transfer) -> Impact:
    """What was moved, merged, dropped and deleted, over all pairs that succeeded. One query."""
    totals: Counts = {}
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [transfer.pk])
        for key, number, total in cursor.fetchall():
            totals.setdefault(key, {})[number] = int(total)
    return impact_of(totals, keep_target=transfer.keeps_target)


def lines_of_pair(pair: TransferPair) -> Iterator[ImpactLine]:
    """Every data type in the order of the registry, zeros included."""
    for entry in data_types():
        yield ImpactLine(entry, **pair.counts.get(entry.key, {}))
