"""The audit log: what is recorded, and the sentence in which each kind of event is told.

One kind = one sentence. An unknown kind is a KeyError, here and at once, and not a blank line in the log.
"""

from typing import Any

from accounts.models import User
from transfers.models import AuditEvent

KINDS: dict[str, str] = {
    "signed-in": "Signed in.",
    "sign-in-failed": "A sign-in failed.",
    "signed-out": "Signed out.",
    "users-exported": "Exported people.csv with {users} users.",
    "file-uploaded": "Uploaded {file_name}: {rows_read} rows, {selected} selected.",
    "file-refused": "Uploaded a file that was refused: {reason}",
    "row-changed": "Changed row {row}: From User ID {from_text}, To User ID {to_text}.",
    "row-cleared": "Cleared row {row}.",
    "row-restored": "Took back row {row}, which had been cleared.",
    "direction-swapped": "Swapped the direction of the whole file.",
    "draft-discarded": "Discarded a preview.",
    "transfer-confirmed": "Confirmed a transfer of {pairs} pairs: {combined} rows combined, {deleted} rows deleted.",
    "confirmation-refused": "Tried to confirm a transfer, which was refused: {reason}",
    "transfer-started": "The transfer started.",
    "pair-succeeded": "{source_name} ({source_id}) → {target_name} ({target_id}): transferred.",
    "pair-failed": "{source_name} ({source_id}) → {target_name} ({target_id}): not transferred. {reason}",
    "stop-requested": "Asked the transfer to stop after the current users.",
    "transfer-finished": "The transfer ended: {state}. {succeeded} transferred, {failed} failed,"
    " {not_started} not started.",
    "retry-prepared": "Prepared a retry of {pairs} pairs of transfer {of_transfer}.",
    "late-arrivals-prepared": "Prepared to move the late arrivals of {pairs} pairs of transfer {of_transfer}.",
    "audit-downloaded": "Downloaded the {what} of a transfer.",
    "denied": "Was refused a page: {reason}",
}


def record(
    kind: str,
    *,
    tenant_id: int,
    by: User | None = None,
    address: str | None = None,
    transfer_id: int | None = None,
    pair_id: int | None = None,
    **details: Any,
) -> None:
    """Append an event, in the transaction of what it speaks of. `by` is None where the system itself acts."""
    KINDS[kind].format(**details)
    AuditEvent.objects.create(
        tenant_id=tenant_id,
        kind=kind,
        actor_id=by.pk if by else None,
        actor_name=by.name if by else "",
        address=address,
        transfer_id=transfer_id,
        pair_id=pair_id,
        details=details,
    )


def sentence(event: AuditEvent) -> str:
    """What happened, in words, with the names as they were."""
    return KINDS[event.kind].format(**event.details)
