"""Discard drafts that have not been changed for a long time; called by `operations.housekeeping`."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from audit.log import record
from audit.models import AuditEvent
from transfers.models import State, Transfer
from transfers.models.transfer import move


def discard_idle_drafts(days: int, most: int) -> int:
    """Discard up to `most` drafts that have not changed for `days` days, and return how many were discarded.

    Runs in the caller's transaction. The audit log shows when a draft was last changed. The rows of the drafts are left
    for housekeeping to delete later, because a discarded draft cannot be confirmed anyway. Drafts that are being
    changed or confirmed are locked and are skipped.
    """
    before = Now() - timedelta(days=days)
    changed = AuditEvent.objects.filter(
        tenant_id=OuterRef("tenant_id"), transfer_number=OuterRef("number"), at__gte=before
    )
    idle = Transfer.objects.filter(~Exists(changed), state=State.DRAFT, created_at__lt=before).order_by("pk")
    locked = list(idle.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    # Query again: a change may have been committed before we got the lock.
    found = list(idle.filter(pk__in=locked))
    for draft in found:
        move(draft.pk, State.DISCARDED, finished_at=timezone.now())
        record("draft-expired", tenant_id=draft.tenant_id, transfer_number=draft.number, days=days)
    return len(found)
