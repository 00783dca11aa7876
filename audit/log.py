"""Writes the audit log, and renders each event as a sentence.

Each kind of event has one sentence template. Recording an event of an unknown kind, or without a detail that its
template needs, raises KeyError. Rendering one never fails, because it cannot be removed: a newer release, or SQL, may
have added events that this code does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from audit.models import AuditEvent
from wording.display_text import safe
from wording.phrases import phrase

# Kind of event → template for `wording.phrases.phrase`, where `{users:user}` is a count with its noun. Details are
# stored unescaped; `sentence` makes them safe to display.
KINDS: dict[str, str] = {
    "signed-in": "Signed in.",
    "sign-in-failed": "A sign-in as {name} failed.",
    "locked-out": "Sign-in as {name} was temporarily locked after too many failed attempts.",
    "signed-out": "Signed out.",
    "factor-added": "Added a way to sign in: {factor}.",
    "factor-removed": "Removed a way to sign in: {factor}.",
    "recovery-codes-made": "Created new recovery codes.",
    "password-changed": "Changed the password.",
    "password-reset": "Set a new password with a link sent by email.",
    "users-exported": "Exported people.csv with {users:user}.",
    "file-uploaded": "Uploaded {file_name}: {rows_read:row}, {selected:,} selected.",
    "rows-pasted": "Pasted {rows_read:row}, {selected:,} selected.",
    "file-refused": "Uploaded a file that was rejected: {reason}",
    "rows-refused": "Pasted rows that were rejected: {reason}",
    "row-changed": "Changed row {row}: From User ID {from_text}, To User ID {to_text}.",
    "row-cleared": "Cleared row {row}.",
    "row-restored": "Restored row {row}.",
    "row-confirmed": "Confirmed that row {row} means {name} ({user}), although the file says {in_file}.",
    "rows-corrected": "Put {rows:row} of {file_name} into the preview.",
    "direction-swapped": "Swapped source and target in the whole file.",
    "draft-discarded": "Discarded a preview.",
    "draft-expired": "A preview was discarded because it had not been changed for {days:day}.",
    "rehearsal-started": "Started a rehearsal for {pairs:user}.",
    "rehearsal-stop-requested": "Asked the rehearsal to stop.",
    "rehearsal-finished": "The rehearsal ended: {succeeded:user} would be transferred, {failed:,} would not,"
    " {not_tried:,} not tried.",
    "transfer-confirmed": "Confirmed a transfer for {pairs:user}: {transferred:record} to move, {deleted:,} to delete.",
    "confirmation-refused": "Tried to confirm a transfer, but it was refused: {reason}",
    "transfer-started": "The transfer started.",
    "pair-succeeded": "{source_name} ({source_id}) → {target_name} ({target_id}): transferred.",
    "pair-failed": "{source_name} ({source_id}) → {target_name} ({target_id}): not transferred. {reason}",
    "stop-requested": "Asked the transfer to stop after the current users.",
    "transfer-finished": "The transfer ended: {state}. {succeeded:,} transferred, {failed:,} failed,"
    " {not_started:,} not started.",
    "retry-prepared": "Prepared a retry of {pairs:pair} of transfer {of_transfer}.",
    "late-arrivals-prepared": "Prepared a transfer of the late arrivals for {pairs:pair} of transfer {of_transfer}.",
    "undo-prepared": "Prepared the undo of {pairs:pair} of transfer {of_transfer}.",
    "undo-leaves-changed": "Chose to leave what was changed since as it is.",
    "undo-leaves-nothing": "Chose not to undo users whose records were changed since.",
    "undo-confirmed": "Confirmed the undo of transfer {of_transfer} for {pairs:user}: {returned:record} to give back,"
    " {restored:,} to restore, {left:,} to leave unchanged.",
    "undo-started": "The undo started.",
    "pair-undone": "{source_name} ({source_id}) → {target_name} ({target_id}): undone, {left:record} left unchanged.",
    "pair-not-undone": "{source_name} ({source_id}) → {target_name} ({target_id}): not undone. {reason}",
    "undo-finished": "The undo of transfer {of_transfer} ended: {state}. {succeeded:,} undone, {failed:,} failed,"
    " {not_started:,} not started.",
    "journal-forgotten": "Deleted the journal of the transfer, which cannot be undone any more. Reason given: {why}",
    "audit-downloaded": "Downloaded the {what} of a transfer.",
    "audit-log-downloaded": "Downloaded {events:event} from the audit log.",
    "audit-verified": "Verified {events:event} in {seals:seal} of the audit log. {result}",
    "operator-looked": "Viewed {what} as an operator of this server.",
    "denied": "Was denied access: {reason}",
    "tenant-created": "Created the tenant {name} ({subject_id}). {summary}",
    "tenant-changed": "Changed the tenant {name} ({subject_id}). {summary}",
    "team-created": "Created the team {name} ({subject_id}). {summary}",
    "user-created": "Created the user {name} ({subject_id}). {summary}",
    "user-changed": "Changed the user {name} ({subject_id}). {summary}",
    "user-list-exported": "Exported users.csv with {users:user}.",
    "users-imported": "Imported {file_name}: {created:user} created, {updated:,} changed.",
    "people-synchronised": "Followed the organisation's view of people: {created:user} created, {changed:,} changed,"
    " {deactivated:,} deactivated, {left_out:,} left out.",
    "view-created": "Created the view {name} ({subject_id}). {summary}",
    "view-changed": "Changed the view {name} ({subject_id}). {summary}",
    "view-deleted": "Deleted the view {name} ({subject_id}). {summary}",
    "role-created": "Created the role {name} ({subject_id}). {summary}",
    "role-changed": "Changed the role {name} ({subject_id}). {summary}",
    "role-deleted": "Deleted the role {name} ({subject_id}). {summary}",
}

# These events may name users outside the reader's views, so being allowed to see the actor is not enough to read them.
ABOUT_ACCOUNTS = tuple(kind for kind in KINDS if "{subject_id}" in KINDS[kind])

# All other events. Those of unknown kinds are in neither, so only readers who see everything see them.
ABOUT_OTHER_THINGS = tuple(kind for kind in KINDS if kind not in ABOUT_ACCOUNTS)

# The events that everyone with access to the transfer may read. Events about its draft may name users who were not
# transferred in the end, so only the creator of the draft may read them.
SINCE_CONFIRMED = (
    "transfer-confirmed",
    "transfer-started",
    "pair-succeeded",
    "pair-failed",
    "stop-requested",
    "transfer-finished",
    "undo-confirmed",
    "undo-started",
    "pair-undone",
    "pair-not-undone",
    "undo-finished",
    "journal-forgotten",
    "audit-downloaded",
    "operator-looked",
)


class Actor(Protocol):
    """The acting user. In practice a `User`, which this app may not import."""

    pk: int

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class AuditEntry:
    """An event to be recorded by `record_all`."""

    kind: str
    details: dict[str, Any]


def record(
    kind: str,
    *,
    tenant_id: int,
    by: Actor | None = None,
    address: str | None = None,
    transfer_number: int | None = None,
    pair_id: int | None = None,
    **details: Any,
) -> None:
    """Append an event; call this in the transaction that makes the change. `by` is None if the system itself acts."""
    event = new_event(AuditEntry(kind, details), tenant_id, by, address)
    event.transfer_number, event.pair_id = transfer_number, pair_id
    event.save(force_insert=True)


def record_all(
    entries: Iterable[AuditEntry],
    *,
    tenant_id: int,
    by: Actor | None,
    address: str | None,
    transfer_number: int | None = None,
) -> None:
    """Append many events of one actor with a single statement."""
    events = [new_event(entry, tenant_id, by, address) for entry in entries]
    for event in events:
        event.transfer_number = transfer_number
    AuditEvent.objects.bulk_create(events)


def new_event(entry: AuditEntry, tenant_id: int, by: Actor | None, address: str | None) -> AuditEvent:
    phrase(KINDS[entry.kind], entry.details)  # raises KeyError now rather than when the log is read
    return AuditEvent(
        tenant_id=tenant_id,
        kind=entry.kind,
        actor_id=by.pk if by else None,
        actor_name=by.name if by else "",
        address=address,
        details=entry.details,
    )


def sentence(event: AuditEvent) -> str:
    """Return the event as a sentence, with names as they were at the time; for one it cannot render, what it is."""
    return rendered(event.kind, event.details) or unreadable(event.kind)


def rendered(kind: str, details: Any) -> str:
    """Return the sentence; "" if the kind is unknown, or its template does not fit the details."""
    try:
        return phrase(KINDS[kind], {name: displayed(name, detail) for name, detail in details.items()})
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""


def unreadable(kind: str) -> str:
    """Return a sentence for an event that cannot be rendered."""
    name = safe(kind)
    if kind in KINDS:
        return f"An event of the kind “{name}” whose details this release cannot show."
    return f"An event of the kind “{name}”, which this release does not know."


def displayed(name: str, detail: Any) -> Any:
    """Return a stored detail, safe to display.

    A `reason` is a sentence written by this application, which has already made the names in it safe.
    """
    return safe(detail) if isinstance(detail, str) and name != "reason" else detail
