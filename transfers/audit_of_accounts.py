"""What happens to users, views and roles goes into the audit log; accounts only say that it happened."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.dispatch import receiver

from accounts.changes import Change, Difference
from accounts.models import User
from accounts.signals import administered
from transfers.audit import Entry, record_all


@receiver(administered)
def record_changes(
    sender: type[User],
    tenant_id: int,
    by: User | None,
    address: str | None,
    changes: Sequence[Change],
    note: str,
    **kwargs: Any,
) -> None:
    """One event for each user, view or role, however many were changed at once."""
    entries = [Entry(change.kind, details_of(change, note)) for change in changes]
    record_all(entries, tenant_id=tenant_id, by=by, address=address)


def details_of(change: Change, note: str) -> dict[str, Any]:
    """`said` is told in the log; `changes` holds every name, before and after."""
    return {
        "subject_id": change.subject_id,
        "name": change.name,
        "said": f"{sentence_of(change.differences)} {note}".strip(),
        "changes": [
            {"field": difference.field, "before": difference.before, "after": difference.after}
            for difference in change.differences
        ],
    }


def sentence_of(differences: Iterable[Difference]) -> str:
    return "".join(f"{difference}. " for difference in differences).strip()
