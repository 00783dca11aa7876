"""Until when a transfer can be undone, and the sentences that say so on every page, email and command line.

The last day is counted in UTC and ends at midnight. Housekeeping deletes the journal an hour later, so that an undo
that was confirmed at the last moment is not affected (`operations.housekeeping`).
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils.timezone import localdate

from transfers.models import Transfer

NEVER = "This cannot be undone."


def last_day(transfer: Transfer | None = None) -> date | None:
    """Return the last day on which the transfer can be undone, or None if it never can be.

    The days begin when the transfer ends. If it has not ended, or none is given, they begin today.
    """
    if not settings.UNDO_DAYS or (transfer and (transfer.is_undo or forgotten_at(transfer))):
        return None
    ended = transfer.finished_at if transfer else None
    return localdate(ended) + timedelta(days=settings.UNDO_DAYS)


def forgotten_at(transfer: Transfer) -> datetime | None:
    return getattr(transfer, "forgotten_at", None)


def in_time(transfer: Transfer) -> bool:
    """Return whether it is not too late to undo the transfer."""
    last = last_day(transfer)
    return last is not None and localdate() <= last


def undo_sentence(transfer: Transfer | None = None) -> str:
    """Return a sentence that says until when the transfer can be undone and by whom, or that it cannot be undone."""
    if transfer and transfer.is_undo:
        return "An undo cannot be undone, but the transfer can be run again."
    last = last_day(transfer)
    if last is None:
        return NEVER
    if localdate() > last:
        return f"It could be undone until {day(last)}."
    return f"It can be undone until {day(last)} by somebody with the permission Undo transfers."


def day(value: date) -> str:
    """Return, for example, "27 Dec 2026"."""
    return f"{value:%-d %b %Y}"
