"""The audit log as a person may read it: of a deleted view's people, the visible by name, the others as a number.

The record itself holds everybody, and whoever sees everybody reads it as it is. Of changes of users, views and roles
the others see only their own (`transfers.doors.visible_events`); but a view may hold, and be assigned to, people whom
its manager cannot see.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from accounts.changes import Difference
from accounts.models import User
from accounts.scope import sees_everything, visible_users
from transfers.audit_of_accounts import sentence_of
from transfers.models import AuditEvent

NAME_PEOPLE = ("Users", "People")
ID = re.compile(r"\((\d+)\)$")  # as `accounts.changes.numbered` writes it


def as_seen(person: User, events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """The events, with `details` that tell no more than the person may know. Two queries, however many there are."""
    events = list(events)
    deleted = [event for event in events if event.kind == "view-deleted"]
    if deleted and not sees_everything(person):
        named = {number for event in deleted for number in ids_in(event.details["changes"])}
        seen = set(visible_users(person).filter(pk__in=named).values_list("pk", flat=True))
        for event in deleted:
            event.details = shortened(event.details, seen)
    return events


def ids_in(changes: Iterable[dict[str, Any]]) -> Iterable[int]:
    for change in changes:
        if change["field"] in NAME_PEOPLE:
            yield from map(id_of, change["before"])


def id_of(name: str) -> int:
    """Of a name like "Ana Díaz (18)"."""
    found = ID.search(name)
    return int(found[1]) if found else 0


def shortened(details: dict[str, Any], seen: Collection[int]) -> dict[str, Any]:
    changes = [
        {**change, "before": names_seen(change["before"], seen)} if change["field"] in NAME_PEOPLE else change
        for change in details["changes"]
    ]
    return details | {"changes": changes, "said": sentence_of(map(difference, changes))}


def names_seen(names: Sequence[str], seen: Collection[int]) -> list[str]:
    """The number comes first, because a sentence tells the first names only."""
    known = [name for name in names if id_of(name) in seen]
    hidden = len(names) - len(known)
    return [f"{hidden:,} out of your view", *known] if hidden else known


def difference(change: dict[str, Any]) -> Difference:
    before, after = (
        tuple(value) if isinstance(value, list) else value for value in (change["before"], change["after"])
    )
    return Difference(change["field"], before, after)
