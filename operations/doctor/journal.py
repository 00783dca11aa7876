"""Check of the journal of transfers: its size, and whether housekeeping deletes what has expired."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning

from operations.monitoring.journal import JournalSize, journal_size
from wording.phrases import counted

# Housekeeping runs once a day, and a transfer may take hours.
LATE = timedelta(days=2)


def findings() -> Iterator[CheckMessage]:
    found = journal_size()
    text = in_words(found)
    kept = timedelta(days=max(settings.UNDO_DAYS, settings.DISCARDED_DAYS))
    if found.age > kept + LATE:
        yield Warning(
            f"{text} Entries are kept for {counted(kept.days, 'day')}.",
            hint="Housekeeping has not run, or an undo is open. Run manage.py housekeeping, and check that the"
            " scheduler and a worker are running.",
            id="doctor.journal",
        )
    else:
        yield Info(text, id="doctor.journal")


def in_words(found: JournalSize) -> str:
    number = counted(found.entries, "entry", "entries")
    text = f"The journal of transfers has about {number} and takes {megabytes(found.bytes)} MB."
    return f"{text} The oldest entry is {counted(found.age.days, 'day')} old." if found.age else text


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}" if size > 10e6 else f"{size / 1e6:,.1f}"
