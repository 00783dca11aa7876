"""Generate rows of any data type from its model. Rows with the same number get the same values, so their keys conflict.

For each data type, user S owns the rows with the numbers 3 and 2, T owns 2 and 1, U and V own 1, X owns 1, 2 and 3, and
O owns 1 and 2 (`people` describes these users). If a type has one row per user, only each user's first number is used.
For each further owner column, there are rows with S, T, U or X in that column and a stranger (a user who is in no pair)
in the first owner column. All other owner columns contain NULL or a stranger. The rows that foreign keys reference are
generated too (`row_making`).
"""

from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

from django.db.models import Model

from accounts.models import User
from tenancy.models import Tenant
from tests.harness.oracle.places import stored
from tests.transfers.rules.people import People, has_uuids
from tests.transfers.rules.row_making import Row, RowMaker
from transfers.engine.compiler.owners import column_of
from transfers.registry import stored_kind
from transfers.rules import ArrayColumn, Child, Column, DataType, JsonPath, Owner, Polymorphic

OWNED = {"S": (3, 2), "T": (2, 1), "U": (1,), "V": (1,), "X": (1, 2, 3), "O": (1, 2)}
FURTHER = {"S": 11, "T": 12, "U": 13, "X": 14}


class MadeUp:
    def __init__(self, people: People) -> None:
        self.people = people
        self.serial = count(1)
        self.has_uuids = False
        self.rows = RowMaker(lambda tenant: people["X" if tenant == people.here.pk else "O"].pk)

    def fill(self, entry: DataType) -> None:
        """Create the rows of this data type for all users, and their child rows."""
        self.has_uuids = has_uuids(entry)
        for letter, numbers in OWNED.items():
            for number in numbers if not is_once(entry) else numbers[:1]:
                self.record(entry, number, {entry.owners[0]: self.people[letter]})
        for owner in entry.owners[1:]:
            for letter, number in FURTHER.items():
                holders = {entry.owners[0]: self.stranger(self.people.here), owner: self.people[letter]}
                self.record(entry, number, holders)

    def stranger(self, tenant: Tenant) -> User:
        number = next(self.serial)
        external = str(UUID(int=1000 + number)) if self.has_uuids else str(1000 + number)
        return User.objects.create(tenant=tenant, username=f"stranger-{number}", external_id=external)

    def record(self, entry: DataType, number: int, holders: dict[Owner, User]) -> None:
        tenant = holders[entry.owners[0]].tenant
        given: Row = {}
        for owner in entry.owners:
            given = joined(given, self.held(entry.model, owner, holders.get(owner), tenant))
        row = self.rows.row(entry.model._meta.db_table, number, tenant.pk, given)
        # In a tree, the rows below are rows of the type themselves; each would need an owner of its own.
        below = [child for child in entry.children if child.model is not entry.model]
        self.add_children(below, row, tenant)

    def add_children(self, children: Sequence[Child], parent: Row, tenant: Tenant) -> None:
        for child in children:
            field: Any = child.model._meta.get_field(child.field)
            given = {field.column: parent[field.target_field.column]}
            for number in (1, 2):
                row = self.rows.row(child.model._meta.db_table, number, tenant.pk, given)
                self.add_children(child.children, row, tenant)

    def held(self, model: type[Model], owner: Owner, user: User | None, tenant: Tenant) -> Row:
        """Return the columns that store the user in the owner. For a list, an unrelated user is added.

        Without a user, the column gets NULL or an unrelated user.
        """
        column, field = column_of(model, owner.field), model._meta.get_field(owner.field)
        if user is None and field.null and isinstance(owner, Column):
            return {column: None}
        user = user or self.stranger(tenant)
        if isinstance(owner, Column):
            beside = {column_of(model, owner.tenant): user.tenant_id} if owner.tenant else {}
            return {column: spelled(user, model, owner), **beside}
        if isinstance(owner, Polymorphic):
            kind = {column_of(model, owner.kind_field): stored_kind(model, owner)}
            return {column: spelled(user, model, owner), **kind}
        ids = [spelled(one, model, owner) for one in (user, self.stranger(tenant))]
        return {column: ids if isinstance(owner, ArrayColumn) else nested(owner, ids)}


def spelled(user: User, model: type[Model], owner: Owner) -> Any:
    if owner.holds == "id":
        return str(user.pk) if getattr(owner, "as_text", False) else user.pk
    text = getattr(user, owner.holds)
    return stored(text, model, owner) if text else text


def is_once(entry: DataType) -> bool:
    """Return whether the type has one row per user, because its first owner column is unique."""
    owner = entry.owners[0]
    return isinstance(owner, Column) and bool(entry.model._meta.get_field(owner.field).unique)


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
