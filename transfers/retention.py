"""How long a preview is kept that nobody confirms; `operations.housekeeping` asks for it."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from transfers.audit import record
from transfers.models import AuditEvent, State, Transfer
from transfers.models.transfer import move


def discard_idle_drafts(days: int, most: int) -> int:
    """Discard drafts that were not changed for so many days, in the transaction of the caller; how many there were.

    When a draft was last changed stands in the audit log. Its rows are left to be deleted: they are of no use from here
    on, so that no half of a draft can be confirmed. One that is being changed or confirmed just now is passed over.
    """
    before = Now() - timedelta(days=days)
    changed = AuditEvent.objects.filter(transfer_id=OuterRef("pk"), at__gte=before)
    idle = Transfer.objects.filter(~Exists(changed), state=State.DRAFT, created_at__lt=before).order_by("pk")
    locked = list(idle.select_for_update(skip_locked=True).values_list("pk", flat=True)[:most])
    found = list(
        idle.filter(pk__in=locked)
    )  # asked again: a change may have been committed before the lock was there
    for draft in found:
        move(draft.pk, State.DISCARDED, finished_at=timezone.now())
        record("draft-expired", tenant_id=draft.tenant_id, transfer_id=draft.pk, days=days)
    return len(found)
