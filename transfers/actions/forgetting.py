"""Delete the journal of a transfer early, for example because a person asked to have their data erased."""

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from audit.log import record
from transfers.models import JournalEntry, Kind, Transfer, TransferPair, UndoConflict
from transfers.models.transfer import OPEN

PORTION = 1000  # entries per transaction; each holds up to 500 rows


class CannotForget(Exception):
    """The journal is in use. The message is a sentence for people."""


def forget(*, by: User, transfer: Transfer, reason: str, address: str | None = None) -> int:
    """Delete the journal of an ended transfer, and return the number of entries. It cannot be undone afterwards.

    The first transaction marks the transfer and writes the audit event. If the deletion is interrupted afterwards, call
    this again. Raises `CannotForget` if the transfer or an undo of it is open.
    """
    with transaction.atomic():
        locked = Transfer.objects.select_for_update().get(pk=transfer.pk)
        pairs = list(TransferPair.objects.filter(transfer=locked).values_list("pk", flat=True))
        refuse_if_open(locked, pairs)
        Transfer.objects.filter(pk=locked.pk, forgotten_at__isnull=True).update(forgotten_at=Now())
        record(
            "journal-forgotten",
            tenant_id=locked.tenant_id,
            by=by,
            address=address,
            transfer_number=locked.number,
            why=reason,
        )
    delete_in_portions(conflicts_of(locked, pairs))
    return delete_in_portions(JournalEntry.objects.filter(transfer_id=locked.pk))


def refuse_if_open(transfer: Transfer, pairs: list[int]) -> None:
    if not transfer.is_final:
        raise CannotForget(f"Transfer {transfer.number} has not ended.")
    undos = Transfer.objects.filter(kind=Kind.UNDO, state__in=OPEN, pairs__undoes__overlap=pairs)
    if undo := undos.first():
        raise CannotForget(
            f"Transfer {transfer.number} is being undone by transfer {undo.number}, which has not ended."
        )


def conflicts_of(transfer: Transfer, pairs: list[int]) -> QuerySet[UndoConflict]:
    """Return the rows that undos of these pairs left, or that the transfer left if it is an undo itself."""
    undos = TransferPair.objects.filter(undoes__overlap=pairs) | TransferPair.objects.filter(
        transfer=transfer
    )
    return UndoConflict.objects.filter(pair__in=undos.values("pk"))


def delete_in_portions(rows: QuerySet[JournalEntry] | QuerySet[UndoConflict]) -> int:
    deleted = 0
    while portion := list(rows.values_list("pk", flat=True)[:PORTION]):
        deleted += rows.filter(pk__in=portion).delete()[0]
    return deleted
