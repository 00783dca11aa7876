"""What a target still has ahead, such as shifts of next week, and what an overwrite would take away."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Count
from django.utils.timezone import localdate

from transfers.registry import data_types
from transfers.rules import Column, DataType

Upcoming = dict[int, str]  # by the id of the target, like "Agent Schedules (12)"


def upcoming_of(overwritten: Mapping[str, Iterable[int]]) -> Upcoming:
    """What the targets have from today on. overwritten: by a data type's key, the targets whose records would go.

    One query for each data type that says by which day its records count (`DataType.day`).
    """
    found: dict[int, list[str]] = defaultdict(list)
    for entry in data_types():
        targets = sorted(set(overwritten.get(entry.key, ())))
        if targets and says_the_day(entry):
            for target, number in ahead(entry, targets):
                found[target].append(f"{entry.name} ({number:,})")
    return {target: " and ".join(what) for target, what in found.items()}


def says_the_day(entry: DataType) -> bool:
    owner = entry.owners[0]
    return bool(entry.day) and isinstance(owner, Column) and owner.holds == "id"


def ahead(entry: DataType, targets: list[int]) -> Iterable[tuple[int, int]]:
    owner = entry.owners[0].field
    theirs = entry.model._default_manager.filter(
        **{f"{owner}__in": targets, f"{entry.day}__gte": localdate()}
    )
    return theirs.order_by().values_list(owner).annotate(n=Count("pk"))
