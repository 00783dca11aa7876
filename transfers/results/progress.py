"""Read the progress and results of a transfer, for its page, the lists and the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from transfers.engine.locks import idle_transfers
from transfers.engine.stage import Counts
from transfers.models import PairState, Transfer, TransferPair
from transfers.planning.impact import Impact, ImpactLine, impact_of
from transfers.planning.undo.impact import UndoImpact, undo_impact_of
from transfers.registry import data_types
from wording.phrases import counted

MIN_PAIRS_FOR_ESTIMATE = 20
IDLE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """Numbers of pairs by state.

    `rows` is the number of records that the plan counted for all pairs, `rows_done` for those that succeeded or failed.
    """

    total: int
    succeeded: int
    failed: int
    not_started: int
    rows: int
    rows_done: int
    started_at: datetime | None
    last_activity: datetime | None

    @property
    def done(self) -> int:
        return self.succeeded + self.failed

    @property
    def not_transferred(self) -> int:
        return self.failed + self.not_started

    def left(self, now: datetime) -> timedelta | None:
        """Return the remaining time at the pace so far, or None until enough pairs are done."""
        if self.started_at is None or self.done < MIN_PAIRS_FOR_ESTIMATE:
            return None
        # Each pair counts as one more row, because even a pair without records takes time.
        done = int(self.rows_done) + self.done
        ahead = int(self.rows) + self.total - done
        return (now - self.started_at) * ahead / done

    def pace(self, now: datetime) -> float | None:
        """Return the number of users per minute so far, or None until enough pairs are done."""
        if self.started_at is None or self.done < MIN_PAIRS_FOR_ESTIMATE or now <= self.started_at:
            return None
        return self.done / (now - self.started_at).total_seconds() * 60


def progress_of(transfer: Transfer) -> Progress:
    """Return the progress of a transfer, from one query over its pairs."""
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
        last_activity=max((moment for moment in moments if moment), default=None),
    )


def waits_for_a_worker(transfer: Transfer, progress: Progress) -> bool:
    """Return whether the transfer has no worker and had no activity for a minute.

    Inactivity alone does not show that a worker is missing, because one large user may take longer than a minute.
    """
    is_idle = progress.last_activity is not None and timezone.now() - progress.last_activity > IDLE_AFTER
    return transfer.is_open and is_idle and bool(idle_transfers([transfer.pk]))


def numbers_in_words(progress: Progress, done: str = "transferred") -> str:
    """Return, for example, "35 of 37 users transferred · 1 failed · 1 not started". `done`: `Transfer.done_word`."""
    parts = [f"{progress.succeeded:,} of {counted(progress.total, 'user')} {done}"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.not_started:
        parts.append(f"{progress.not_started:,} not started")
    return " · ".join(parts)


def time_left_in_words(left: timedelta | None) -> str:
    """Return, for example, "about 25 minutes left", or "" if there is no estimate."""
    if left is None:
        return ""
    minutes = round(left.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute left"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(minutes / 60)} hours left"


def pace_in_words(pace: float | None) -> str:
    """Return, for example, "about 48 users a minute", with two significant digits, or "" if there is no estimate."""
    if pace is None:
        return ""
    if pace < 1:
        return "less than one user a minute"
    number = round(pace) if pace < 100 else round(pace, 1 - floor(log10(pace)))
    return f"about {int(number):,} user{'s' if number > 1 else ''} a minute"


def duration_of(transfer: Transfer) -> str:
    """Return how long the transfer took, in words, or "" if it has not started or not ended."""
    begun, ended = transfer.started_at, transfer.finished_at
    return duration_in_words(ended - begun) if begun and ended else ""


def duration_in_words(time: timedelta) -> str:
    """Return, for example, "4 s", "3 min 4 s" or "2 h 3 min"."""
    if time < timedelta(seconds=1):
        return "less than a second"
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


# Adds up the counts of successful pairs by data type. Uses the unique index on (transfer_id, source_id) of
# transfers_transferpair.
TOTALS = """
SELECT entry.key, number.key, sum(number.value::bigint)
FROM transfers_transferpair AS pair, jsonb_each(pair.counts) AS entry, jsonb_each_text(entry.value) AS number
WHERE pair.transfer_id = %s AND pair.state = 'succeeded'
GROUP BY entry.key, number.key
"""


def impact_so_far(transfer: Transfer) -> Impact:
    """Return the numbers of records that all successful pairs moved, merged, dropped and deleted. Takes one query."""
    return impact_of(totals_of(transfer), keep_target=transfer.keeps_target)


def undone_so_far(transfer: Transfer) -> UndoImpact:
    """Return the numbers of records that all successful pairs of an undo gave back, restored and left."""
    return undo_impact_of(totals_of(transfer))


def totals_of(transfer: Transfer) -> Counts:
    totals: Counts = {}
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [transfer.pk])
        for key, number, total in cursor.fetchall():
            totals.setdefault(key, {})[number] = int(total)
    return totals


def lines_of_pair(pair: TransferPair) -> Iterator[ImpactLine]:
    """Yield one line for each data type, in the order of the registry. Types without records are included."""
    for entry in data_types():
        yield ImpactLine(entry, **pair.counts.get(entry.key, {}))
