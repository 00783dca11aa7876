"""Redacts audit events on deleted views: users whom the reader cannot see are shown only as a count.

The stored event names all users of the view, and readers with EnterpriseView see it unredacted. All other readers see
only the events of changes that they made to users, views and roles (`transfers.access.visible_events`). Even these
events may name users whom the reader cannot see, because a view may contain and be assigned to users outside the views
of the person who manages it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from accounts.models import User
from accounts.people.audit import sentence_of
from accounts.people.changes import Difference
from accounts.scope import sees_everything, visible_users
from audit.models import AuditEvent

NAME_PEOPLE = ("Users", "People")
ID = re.compile(r"\((\d+)\)$")  # the format of `accounts.people.changes.numbered`


def as_seen(person: User, events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Return the events with `details` redacted for `person`.

    Runs a fixed number of queries, however many events there are.
    """
    events = list(events)
    deleted = [event for event in events if event.kind == "view-deleted"]
    if deleted and not sees_everything(person):
        for event in deleted:
            event.details = well_formed(event.details)
        named = {number for event in deleted for number in ids_in(event.details["changes"])}
        seen = set(visible_users(person).filter(pk__in=named).values_list("pk", flat=True))
        for event in deleted:
            event.details = redacted(event.details, seen)
    return events


def well_formed(details: Any) -> dict[str, Any]:
    """Return the details, or none but an empty list of changes if they cannot be redacted."""
    try:
        redacted(details, ())
    except (LookupError, TypeError, ValueError, AttributeError):
        return {"changes": []}
    return dict(details)


def ids_in(changes: Iterable[dict[str, Any]]) -> Iterable[int]:
    for change in changes:
        if change["field"] in NAME_PEOPLE:
            yield from map(id_of, change["before"])


def id_of(name: str) -> int:
    """Return the id in a name like "Ana Díaz (18)", or 0 if there is none."""
    found = ID.search(name)
    return int(found[1]) if found else 0


def redacted(details: dict[str, Any], seen: Collection[int]) -> dict[str, Any]:
    changes = [
        {**change, "before": names_seen(change["before"], seen)} if change["field"] in NAME_PEOPLE else change
        for change in details["changes"]
    ]
    return details | {"changes": changes, "summary": sentence_of(map(difference, changes))}


def names_seen(names: Sequence[str], seen: Collection[int]) -> list[str]:
    """Return the names of users whose ids are in `seen`, preceded by the number of the other users, if any.

    The number comes first, because the event's summary lists only the first few names.
    """
    known = [name for name in names if id_of(name) in seen]
    hidden = len(names) - len(known)
    return [f"{hidden:,} outside your views", *known] if hidden else known


def difference(change: dict[str, Any]) -> Difference:
    before, after = (
        tuple(value) if isinstance(value, list) else value for value in (change["before"], change["after"])
    )
    return Difference(change["field"], before, after)
