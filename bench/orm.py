"""Transfer object by object through the ORM, as one writes it by hand.

Before each save, a query looks for a record of the target user with the same unique key.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import BaseConstraint, F, Model, UniqueConstraint

from bench.script import NotWritten
from transfers.registry import data_types
from transfers.rules import (
    ArrayColumn,
    Column,
    Combine,
    DataType,
    JsonPath,
    KeepSource,
    Latest,
    Max,
    Merge,
    Min,
    Or,
    Overwrite,
    Rename,
    Sum,
)

FOLDS = {
    Sum: lambda kept, lost: min(kept + lost, 2**31 - 1),
    Max: max,
    Min: min,
    Or: lambda kept, lost: kept or lost,
}


def transfer(pairs: Iterable[tuple[int, int]]) -> None:
    for source, target in pairs:
        with transaction.atomic():
            for entry in data_types():
                if isinstance(entry.rule, Overwrite):
                    delete_target_records(entry, source, target)
                for owner in entry.owners:
                    move_all(entry, owner, source, target)


def delete_target_records(entry: DataType, source: int, target: int) -> None:
    objects, owner = entry.model._default_manager, entry.owners[0].field
    if objects.filter(**{owner: source}).exists():
        for record in objects.filter(**{owner: target}):
            for child in entry.children:
                child.model._default_manager.filter(**{child.field: record}).delete()
            record.delete()


def move_all(entry: DataType, owner: Any, source: int, target: int) -> None:
    objects = entry.model._default_manager
    match owner:
        case Column():
            for record in objects.filter(**{owner.field: source}):
                move(entry, record, owner.field, target)
        case ArrayColumn():
            for record in objects.filter(**{f"{owner.field}__contains": [source]}):
                setattr(record, owner.field, replaced(getattr(record, owner.field), source, target))
                record.save()
        case JsonPath(path=(place,)):
            for record in objects.filter(**{f"{owner.field}__{place}__contains": source}):
                document = getattr(record, owner.field)
                document[place] = replaced(document[place], source, target)
                record.save()
        case _:
            raise NotWritten(entry, "bench/orm.py")


def replaced(users: list[int], source: int, target: int) -> list[int]:
    return list(dict.fromkeys(target if user == source else user for user in users))


def move(entry: DataType, record: Model, field: str, target: int) -> None:
    attname = entry.model._meta.get_field(field).attname
    existing = existing_record(entry, record, attname, target)
    policy = entry.rule.on_clash if isinstance(entry.rule, Combine) else None
    match policy if existing else None:
        case Rename(field=name):
            setattr(record, name, f"{getattr(record, name)} (2)")
        case KeepSource():
            existing.delete()
        case Latest(by=by) if getattr(record, by) > getattr(existing, by):
            existing.delete()
        case Merge(columns=columns):
            fold(columns, existing, record)
            record.delete()
            return
        case None:
            pass
        case _:
            record.delete()
            return
    setattr(record, attname, target)
    record.save()


def existing_record(entry: DataType, record: Model, attname: str, target: int) -> Model | None:
    """Return the target user's record with the same unique key as `record`, or None.

    For overwritten data types it is always None, because the target's records have already been deleted.
    """
    if isinstance(entry.rule, Overwrite):
        return None
    for key in entry.model._meta.constraints:
        if attname in (names := attnames(entry.model, key)):
            same = {name: getattr(record, name) for name in names} | {attname: target}
            found = entry.model._default_manager.filter(**same)
            if key.condition is not None:
                is_in_key = entry.model._default_manager.filter(key.condition, pk=record.pk).exists()
                found = found.filter(key.condition) if is_in_key else found.none()
            return found.first()
    return None


def attnames(model: type[Model], key: BaseConstraint) -> set[str]:
    """Return the columns of a unique constraint; a positional name is stored as an F expression."""
    if not isinstance(key, UniqueConstraint):
        return set()
    names = [*key.fields, *(part.name for part in key.expressions if isinstance(part, F))]
    return {model._meta.get_field(name).attname for name in names}


def fold(columns: Mapping[str, Any], kept: Model, lost: Model) -> None:
    for name, way in columns.items():
        setattr(kept, name, FOLDS[type(way)](getattr(kept, name), getattr(lost, name)))
    kept.save()
