"""Until when a transfer can be undone, and the sentences that say so on every page, email and command line.

The last day ends at midnight in UTC. Housekeeping deletes the journal an hour later, so that an undo that was confirmed
at the last moment is not affected (`operations.housekeeping`).
"""

from datetime import date, timedelta

from django.conf import settings
from django.utils.timezone import localdate

from accounts.models import User
from accounts.permissions import Permission
from audit.models import AuditEvent
from transfers.models import Transfer
from wording.display_text import safe

PERMANENT = "Transferring user data is permanent"
NEVER = "This cannot be undone."


def last_day(transfer: Transfer | None = None) -> date | None:
    """Return the last day on which the transfer can be undone, or None if it never can be.

    The days begin when the transfer ends. If it has not ended, or none is given, they begin today.
    """
    if not settings.UNDO_DAYS or (transfer and (transfer.is_undo or transfer.forgotten_at)):
        return None
    ended = transfer.finished_at if transfer else None
    return localdate(ended) + timedelta(days=settings.UNDO_DAYS)


def in_time(transfer: Transfer) -> bool:
    """Return whether it is not too late to undo the transfer."""
    last = last_day(transfer)
    return last is not None and localdate() <= last


def undo_sentence(transfer: Transfer | None = None, reader: User | None = None) -> str:
    """Return a sentence that says until when the transfer can be undone and by whom, or that it cannot be undone.

    reader: who reads it, if this is known. A reader with the permission is addressed.
    """
    if transfer and transfer.is_undo:
        return "An undo cannot be undone, but the transfer can be run again."
    last = last_day(transfer)
    if last is None:
        return forgotten(transfer) if transfer and transfer.forgotten_at and settings.UNDO_DAYS else NEVER
    if localdate() > last:
        return f"It could be undone until {day(last)}."
    if reader and reader.may(Permission.UNDO):
        return f"You can undo it until {day(last)}."
    return f"It can be undone until {day(last)} by somebody with the permission {Permission.UNDO.label}."


def forgotten(transfer: Transfer) -> str:
    """Say since when there is no journal and, from the audit log, who deleted it and why."""
    sentence = (
        f"It cannot be undone, because its journal was deleted on {day(localdate(transfer.forgotten_at))}"
    )
    event = AuditEvent.objects.filter(
        tenant_id=transfer.tenant_id, transfer_number=transfer.number, kind="journal-forgotten"
    ).last()
    if event is None:
        return f"{sentence}."
    why = safe(str(event.detail("why")))
    return f"{sentence} by {safe(event.actor_name)}. Reason given: {why}"


def permanence(reader: User | None = None) -> str:
    """Return what is true of every transfer of this installation, for pages that are not about a certain one."""
    if last_day() is None:
        return f"{PERMANENT} and cannot be undone."
    return f"{PERMANENT}. {undo_sentence(reader=reader)}"


def day(value: date) -> str:
    """Return, for example, "27 Dec 2026"."""
    return f"{value:%-d %b %Y}"
