"""Delete the journal of a transfer early, for example because a person asked to have their data erased."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from audit.log import record
from transfers.models import JournalEntry, Kind, Transfer, TransferPair, UndoConflict
from transfers.models.transfer import OPEN

PORTION = 1000  # entries per transaction; each holds up to 500 rows
WAIT = "Wait until it has ended, then run this again."


class CannotForget(Exception):
    """There is no journal, or it is in use. The message says so, and what to do instead."""


@dataclass(frozen=True)
class Forgotten:
    """Numbers of deleted journal entries, and of deleted records of what undos left as it is.

    `since` is set if the transfer had been forgotten before.
    """

    entries: int
    left: int
    since: datetime | None


def forget(*, by: User, transfer: Transfer, reason: str, address: str | None = None) -> Forgotten:
    """Delete the journal of an ended transfer. It cannot be undone afterwards.

    The first transaction marks the transfer and writes the audit event. If the deletion is interrupted afterwards, call
    this again: it deletes the rest and writes no second event. Raises `CannotForget` if the transfer is an undo, or if
    it or an undo of it is open.
    """
    with transaction.atomic():
        locked = Transfer.objects.select_for_update().get(pk=transfer.pk)
        pairs = list(TransferPair.objects.filter(transfer=locked).values_list("pk", flat=True))
        refuse(locked, pairs)
        if locked.forgotten_at is None:
            Transfer.objects.filter(pk=locked.pk).update(forgotten_at=Now())
            record(
                "journal-forgotten",
                tenant_id=locked.tenant_id,
                by=by,
                address=address,
                transfer_number=locked.number,
                why=reason,
            )
    left = delete_in_portions(conflicts_of(pairs))
    entries = delete_in_portions(JournalEntry.objects.filter(transfer_id=locked.pk))
    return Forgotten(entries, left, locked.forgotten_at)


def refuse(transfer: Transfer, pairs: list[int]) -> None:
    if transfer.is_undo:
        raise CannotForget(
            f"Transfer {transfer.number} is an undo, which has no journal. What it left as it is, is forgotten with"
            f" transfer {transfer.undone_number}, which it undid."
        )
    if not transfer.is_final:
        raise CannotForget(f"Transfer {transfer.number} has not ended. {WAIT}")
    undos = Transfer.objects.filter(kind=Kind.UNDO, state__in=OPEN, pairs__undoes__overlap=pairs)
    if undo := undos.first():
        raise CannotForget(
            f"Transfer {transfer.number} is being undone by transfer {undo.number}, which has not ended. {WAIT}"
        )


def conflicts_of(pairs: list[int]) -> QuerySet[UndoConflict]:
    """Return the rows that undos of these pairs left."""
    undos = TransferPair.objects.filter(undoes__overlap=pairs)
    return UndoConflict.objects.filter(pair__in=undos.values("pk"))


def delete_in_portions(rows: QuerySet[JournalEntry] | QuerySet[UndoConflict]) -> int:
    deleted = 0
    while portion := list(rows.values_list("pk", flat=True)[:PORTION]):
        deleted += rows.filter(pk__in=portion).delete()[0]
    return deleted
