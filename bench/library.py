"""Transfer object by object with a maintained merge library: `merge_model_instances` of django-extensions.

It was written to merge duplicates, and moves what it finds through the foreign keys of the user. As its users do, this
module names those relations, which the models leave unnamed, and does by the ORM what the library does not do at all:
overwriting, clashes on unique keys (the library stops at them), one-to-one records, arrays and JSON. The library would
delete the source user at the end; here the account stays. Unlike all other contestants, it also moves what is not a
record: roles, and ways to sign in.
"""

import io
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from django.db import transaction
from django.db.models import OneToOneField

from accounts.models import User
from bench import orm
from transfers.registry import data_types
from transfers.rules import Column, DataType, Overwrite

INSTALLED = find_spec("django_extensions") is not None


def transfer(pairs: Iterable[tuple[int, int]]) -> None:
    from django_extensions.management.commands.merge_model_instances import Command

    name_relations()
    command = Command(stdout=io.StringIO())
    for source, target in pairs:
        with transaction.atomic():
            for entry in data_types():
                prepare(entry, source, target)
            command.merge_model_instances(User.objects.get(pk=target), [kept(source)])


def prepare(entry: DataType, source: int, target: int) -> None:
    """Do what the library cannot do for this type, so that it meets only records that can be moved one by one."""
    if isinstance(entry.rule, Overwrite):
        orm.delete_target_records(entry, source, target)
    for owner in entry.owners:
        if not suits_library(entry, owner):
            orm.move_all(entry, owner, source, target)


def suits_library(entry: DataType, owner: Any) -> bool:
    """True for a foreign key whose records cannot clash with those of the target user."""
    if not isinstance(owner, Column):
        return False
    field = entry.model._meta.get_field(owner.field)
    if isinstance(field, OneToOneField):
        return False
    keys = entry.model._meta.constraints
    return isinstance(entry.rule, Overwrite) or not any(
        field.attname in orm.attnames(entry.model, key) for key in keys
    )


def kept(user: int) -> User:
    """Return the user as an object whose `delete` does nothing, because the library deletes what it has merged."""
    found = User.objects.get(pk=user)
    found.delete = lambda *args, **options: (0, {})
    return found


@cache
def name_relations() -> None:
    """Give the relations a `related_name`, as a user of the library would write in the models.

    The library follows only relations that can be named.
    """
    for field in library_fields():
        relation = field.remote_field
        relation.related_name = f"{field.model._meta.model_name}_{field.name}"
        for name in ("hidden", "accessor_name"):
            relation.__dict__.pop(name, None)  # cached while the relation had no name
        field.contribute_to_related_class(User, relation)
    User._meta._expire_cache()


def library_fields() -> Iterator[Any]:
    for entry in data_types():
        for owner in entry.owners:
            field = entry.model._meta.get_field(owner.field)
            if suits_library(entry, owner) and field.remote_field.hidden:
                yield field
