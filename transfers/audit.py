"""The audit log: what is recorded, and the sentence in which each kind of event is told.

One kind = one sentence. An unknown kind is a KeyError, here and at once, and not a blank line in the log.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.names import isolated, visible
from transfers.models import AuditEvent

KINDS: dict[str, str] = {
    "signed-in": "Signed in.",
    "sign-in-failed": "A sign-in as {name} failed.",
    "locked-out": "Sign-in as {name} was locked for a while, after too many failures.",
    "signed-out": "Signed out.",
    "factor-added": "Added to the ways to sign in: {factor}.",
    "factor-removed": "Removed from the ways to sign in: {factor}.",
    "recovery-codes-made": "Made new recovery codes.",
    "password-changed": "Changed the password.",
    "password-reset": "Set a new password, by a link that was mailed.",
    "users-exported": "Exported people.csv with {users} users.",
    "file-uploaded": "Uploaded {file_name}: {rows_read} rows, {selected} selected.",
    "file-refused": "Uploaded a file that was refused: {reason}",
    "row-changed": "Changed row {row}: From User ID {from_text}, To User ID {to_text}.",
    "row-cleared": "Cleared row {row}.",
    "row-restored": "Took back row {row}, which had been cleared.",
    "direction-swapped": "Swapped the direction of the whole file.",
    "draft-discarded": "Discarded a preview.",
    "draft-expired": "A preview was discarded, because nobody had changed it for {days} days.",
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
    "audit-log-downloaded": "Downloaded {events} events of the audit log.",
    "audit-verified": "Verified {events} events in {seals} seals of the audit log. {result}",
    "operator-looked": "As an operator of this server, looked at {what}.",
    "denied": "Was refused a page: {reason}",
    "tenant-created": "Created the tenant {name} ({subject_id}). {said}",
    "team-created": "Created the team {name} ({subject_id}). {said}",
    "user-created": "Created the user {name} ({subject_id}). {said}",
    "user-changed": "Changed the user {name} ({subject_id}). {said}",
    "user-list-exported": "Exported users.csv with {users} users.",
    "users-imported": "Imported {file_name}: {created} created, {updated} changed.",
    "view-created": "Created the view {name} ({subject_id}). {said}",
    "view-changed": "Changed the view {name} ({subject_id}). {said}",
    "view-deleted": "Deleted the view {name} ({subject_id}). {said}",
    "role-created": "Created the role {name} ({subject_id}). {said}",
    "role-changed": "Changed the role {name} ({subject_id}). {said}",
    "role-deleted": "Deleted the role {name} ({subject_id}). {said}",
}

# These name users who may be outside the view of somebody who sees the person who acted.
ABOUT_ACCOUNTS = tuple(kind for kind in KINDS if "{subject_id}" in KINDS[kind])

# What is told of a transfer to whoever may come to it. What happened while it was a draft names users who may not be in
# it in the end, and is for its maker, as the draft was.
SINCE_CONFIRMED = (
    "transfer-confirmed",
    "transfer-started",
    "pair-succeeded",
    "pair-failed",
    "stop-requested",
    "transfer-finished",
    "audit-downloaded",
    "operator-looked",
)


@dataclass(frozen=True)
class Entry:
    kind: str
    details: dict[str, Any]


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


def record_all(entries: Iterable[Entry], *, tenant_id: int, by: User | None, address: str | None) -> None:
    """Append many events of one person, or of the system, at once, in one statement."""
    events = [
        AuditEvent(
            tenant_id=tenant_id,
            kind=entry.kind,
            actor_id=by.pk if by else None,
            actor_name=by.name if by else "",
            address=address,
            details=entry.details,
        )
        for entry in entries
        if KINDS[entry.kind].format(**entry.details)
    ]
    AuditEvent.objects.bulk_create(events)


def sentence(event: AuditEvent) -> str:
    """What happened, in words, with the names as they were."""
    return KINDS[event.kind].format(**{name: told(name, detail) for name, detail in event.details.items()})


def told(name: str, detail: Any) -> Any:
    """What was recorded, safe among other words. A reason is a sentence of ours, whose names were made safe in it."""
    return isolated(visible(detail)) if isinstance(detail, str) and name != "reason" else detail
