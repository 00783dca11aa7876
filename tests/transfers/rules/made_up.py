"""Generate rows of any data type from its model. Rows with the same number get the same values, so their keys conflict.

For each data type, user S owns the rows with the numbers 3 and 2, T owns 2 and 1, U and V own 1, X owns 1, 2 and 3, and
O owns 1 and 2 (`people` describes these users). If a type has one row per user, only each user's first number is used.
For each further owner column, there are rows with S, T, U or X in that column and a stranger (a user who is in no pair)
in the first owner column. All other owner columns contain NULL or a stranger. The rows that foreign keys reference are
generated too, once per number and tenant.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from tenancy.models import Tenant
from tests.transfers.rules.people import People
from transfers.rules import ArrayColumn, Child, Column, DataType, JsonPath, Owner, Polymorphic

OWNED = {"S": (3, 2), "T": (2, 1), "U": (1,), "V": (1,), "X": (1, 2, 3), "O": (1, 2)}
FURTHER = {"S": 11, "T": 12, "U": 13, "X": 14}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class MadeUp:
    def __init__(self, people: People) -> None:
        self.people = people
        self.serial = count(1)
        self.known: dict[tuple[type[models.Model], int, int], models.Model] = {}

    def fill(self, entry: DataType) -> None:
        """Create the rows of this data type for all users, and their child rows."""
        for letter, numbers in OWNED.items():
            for number in numbers if not is_once(entry) else numbers[:1]:
                self.record(entry, number, {entry.owners[0]: self.people[letter]})
        for owner in entry.owners[1:]:
            for letter, number in FURTHER.items():
                holders = {entry.owners[0]: self.stranger(self.people.here), owner: self.people[letter]}
                self.record(entry, number, holders)

    def stranger(self, tenant: Tenant) -> User:
        return User.objects.create(tenant=tenant, username=f"stranger-{next(self.serial)}")

    def record(self, entry: DataType, number: int, holders: dict[Owner, User]) -> None:
        tenant = holders[entry.owners[0]].tenant
        given: dict[str, Any] = {}
        for owner in entry.owners:
            given = joined(given, self.held(entry.model, owner, holders.get(owner), tenant))
        self.add_children(entry.children, self.row(entry.model, number, tenant, given))

    def add_children(self, children: Sequence[Child], parent: models.Model) -> None:
        for child in children:
            for number in (1, 2):
                row = self.row(child.model, number, self.people.here, {child.field: parent})
                self.add_children(child.children, row)

    def held(
        self, model: type[models.Model], owner: Owner, user: User | None, tenant: Tenant
    ) -> dict[str, Any]:
        """Return the field values that store the user in the owner column. For a list, an unrelated user is added.

        Without a user, the column gets NULL or an unrelated user.
        """
        if isinstance(owner, Column):
            if user is None and model._meta.get_field(owner.field).null:
                return {owner.field: None}
            user = user or self.stranger(tenant)
            value = user if model._meta.get_field(owner.field).is_relation else getattr(user, owner.holds)
            return {owner.field: value, **({owner.tenant: user.tenant} if owner.tenant else {})}
        if isinstance(owner, Polymorphic):
            user = user or self.stranger(tenant)
            return {owner.field: str(user.pk) if owner.as_text else user.pk, owner.kind_field: owner.kind}
        ids = [one.pk for one in (user, self.stranger(tenant)) if one]
        if isinstance(owner, ArrayColumn):
            return {owner.field: ids}
        return {owner.field: nested(owner, [str(pk) for pk in ids] if owner.as_text else ids)}

    # --- rows

    def row(
        self, model: type[models.Model], number: int, tenant: Tenant, given: dict[str, Any]
    ) -> models.Model:
        values = dict(given)
        for place, field in enumerate(model._meta.local_concrete_fields):
            if field.name not in values and not is_made_by_database(field):
                values[field.name] = self.value(field, number + place / 10, number, tenant)
        return model._default_manager.create(**values)

    def referred(self, model: type[models.Model], number: int, tenant: Tenant) -> models.Model:
        """Return row `number` of `model`, which a foreign key references.

        The first call with these arguments creates the row.
        """
        if (model, number, tenant.pk) not in self.known:
            self.known[model, number, tenant.pk] = self.row(model, number, tenant, {})
        return self.known[model, number, tenant.pk]

    def value(self, field: Any, size: float, number: int, tenant: Tenant) -> Any:
        if field.is_relation:
            return self.relation(field, number, tenant)
        if isinstance(field, models.BooleanField) and field.has_default():
            return field.get_default()
        if field.choices:
            return field.choices[number % len(field.choices)][0]
        number = next(self.serial) if field.unique else number
        if isinstance(field, models.CharField | models.TextField):
            return f"{field.name} {number}"[: field.max_length]
        return next((make(number, size) for kind, make in VALUES.items() if isinstance(field, kind)), number)

    def relation(self, field: Any, number: int, tenant: Tenant) -> Any:
        if field.related_model is Tenant:
            return tenant
        if field.related_model is User:
            return None if field.null else self.people["X" if tenant == self.people.here else "O"]
        return None if field.null else self.referred(field.related_model, number, tenant)


# The first class that the field is an instance of is used. `size` grows from field to field of a row, which puts each
# start before its end.
VALUES: dict[type, Any] = {
    models.BooleanField: lambda number, size: number % 2 == 0,
    models.DateTimeField: lambda number, size: NOON + timedelta(days=number, hours=size),
    models.DateField: lambda number, size: NOON.date() + timedelta(days=number),
    models.TimeField: lambda number, size: (NOON + timedelta(minutes=size)).time(),
    models.DurationField: lambda number, size: timedelta(minutes=size),
    models.UUIDField: lambda number, size: uuid.UUID(int=number),
    models.JSONField: lambda number, size: {"number": number},
    models.GenericIPAddressField: lambda number, size: f"10.0.0.{number}",
    ArrayField: lambda number, size: [],
}


def is_once(entry: DataType) -> bool:
    """Return whether the type has one row per user, because its first owner column is unique."""
    owner = entry.owners[0]
    return isinstance(owner, Column) and bool(entry.model._meta.get_field(owner.field).unique)


def is_made_by_database(field: Any) -> bool:
    made = isinstance(field, models.AutoField | models.BigAutoField | models.GeneratedField)
    return made or isinstance(field, models.CompositePrimaryKey)


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge two dicts of field values; nested dicts are merged recursively."""
    both = {
        name: joined(one[name], other[name]) for name in one if name in other and isinstance(one[name], dict)
    }
    return {**one, **other, **both}


def nested(owner: JsonPath, value: Any) -> Any:
    for step in reversed(owner.path):
        value = {step: value}
    return value
