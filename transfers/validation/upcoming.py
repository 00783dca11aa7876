"""Find the target's upcoming records, such as next week's shifts, that a transfer would replace."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Count
from django.utils.timezone import localdate

from transfers.registry import data_types
from transfers.rules import Column, DataType

Upcoming = dict[int, str]  # target ID -> text such as "12 upcoming Agent Schedules"


def upcoming_of(overwritten: Mapping[str, Iterable[int]]) -> Upcoming:
    """Map the ID of each target to a text with the numbers of upcoming records, by data type, that would be replaced.

    Upcoming records are those from today on. Targets that have none are left out. Takes at most one query for each data
    type with a date field (`day`).

    overwritten: for each data type key, the targets whose records are replaced.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for entry in data_types():
        targets = sorted(set(overwritten.get(entry.key, ())))
        if targets and has_day(entry):
            for target, number in counts_from_today(entry, targets):
                found[target].append(f"{number:,} upcoming {entry.name}")
    return {target: " and ".join(what) for target, what in found.items()}


def has_day(entry: DataType) -> bool:
    owner = entry.owners[0]
    return bool(entry.day) and isinstance(owner, Column) and owner.holds == "id"


def counts_from_today(entry: DataType, targets: list[int]) -> Iterable[tuple[int, int]]:
    owner = entry.owners[0].field
    upcoming = entry.model._default_manager.filter(
        **{f"{owner}__in": targets, f"{entry.day}__gte": localdate()}
    )
    return upcoming.order_by().values_list(owner).annotate(n=Count("pk"))
