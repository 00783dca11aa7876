"""Audit entries for changes of users, views and roles."""

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.people.changes import Change, Difference
from audit.log import AuditEntry


def entries_of(changes: Sequence[Change], note: str) -> list[AuditEntry]:
    """Return one entry for each changed user, view or role."""
    return [AuditEntry(change.kind, details_of(change, note)) for change in changes]


def details_of(change: Change, note: str) -> dict[str, Any]:
    """Return the event's details: `summary` to show in the log, and `changes` with every value before and after."""
    return {
        "subject_id": change.subject_id,
        "name": change.name,
        "summary": f"{sentence_of(change.differences)} {note}".strip(),
        "changes": [
            {"field": difference.field, "before": difference.before, "after": difference.after}
            for difference in change.differences
        ],
    }


def sentence_of(differences: Iterable[Difference]) -> str:
    return "".join(f"{difference}. " for difference in differences).strip()
