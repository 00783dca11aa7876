"""Find the target's upcoming records, such as next week's shifts, that a transfer would replace."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count
from django.utils.timezone import localdate

from accounts.models import User
from transfers.registry import data_types
from transfers.rules import Column, DataType

Upcoming = dict[int, str]  # target ID -> text such as "12 upcoming Agent Schedules"


def upcoming_of(overwritten: Mapping[str, Iterable[int]]) -> Upcoming:
    """Map the ID of each target to a text with the numbers of upcoming records, by data type, that would be replaced.

    Upcoming records are those from today on. Targets that have none are left out. Takes at most one query for each data
    type with a date field (`day`), and another one if its owner is not the ID.

    overwritten: for each data type key, the targets whose records are all replaced.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for entry in data_types():
        targets = sorted(set(overwritten.get(entry.key, ())))
        if targets and has_day(entry):
            for target, number in counts_from_today(entry, targets):
                found[target].append(f"{number:,} upcoming {entry.name}")
    return {target: " and ".join(what) for target, what in found.items()}


def has_day(entry: DataType) -> bool:
    return bool(entry.day) and isinstance(entry.owners[0], Column)


def counts_from_today(entry: DataType, targets: list[int]) -> Iterable[tuple[int, int]]:
    """Yield the ID of each target and the number of their records. They have records, so the column can hold them."""
    owner = entry.owners[0]
    users = stored_users(entry, targets)
    conditions = {f"{owner.field}__in": list(users), f"{entry.day}__gte": localdate()}
    if tenant := getattr(owner, "tenant", None):
        conditions[f"{tenant}__in"] = User.objects.filter(pk__in=targets).values("tenant_id")
    upcoming = entry.model._default_manager.filter(**conditions)
    for value, number in upcoming.order_by().values_list(owner.field).annotate(n=Count("pk")):
        yield users[value.rstrip() if isinstance(value, str) else value], number  # char(n) is padded


def stored_users(entry: DataType, targets: list[int]) -> dict[Any, int]:
    """Map what the owner column stores of each target to the target's ID."""
    owner = entry.owners[0]
    if owner.holds == "id":
        return dict(zip(targets, targets, strict=True))
    field: Any = entry.model._meta.get_field(owner.field)
    attributes = User.objects.filter(pk__in=targets).values_list(owner.holds, "pk")
    return {field.to_python(text): pk for text, pk in attributes}
