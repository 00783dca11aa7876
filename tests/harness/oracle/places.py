"""The places in a row that store a user: which user is in each, and its value after sources are replaced by targets.

A place stores users in one spelling: the ID, the ID as text, the employee ID, the user name, or the external ID as the
column's type writes it. A user without an employee ID is never found in a place that stores employee IDs. Lists keep
their order. In a list with a source, each value is kept once, at its first occurrence. A list without a source is not
changed.
"""

import json
from copy import deepcopy
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Model

from tests.harness.oracle.world import Batch, People, Row
from transfers.registry import stored_kind
from transfers.rules import Column, DataType, JsonPath, Owner, Polymorphic


class Place:
    """One owner of a data type: the column, or the path in a JSON column, that stores a user or a list of users."""

    def __init__(self, data_type: DataType, owner: Owner, people: People) -> None:
        self.owner = owner
        self.people = people
        self.model = data_type.model
        self.column = self.column_of(owner.field)

    def column_of(self, name: str) -> str:
        return str(self.model._meta.get_field(name).column)

    # --- spelling

    def spelling(self, user: int) -> Any:
        if self.owner.holds != "id":
            return stored(self.people[user][self.owner.holds], self.model, self.owner)
        if isinstance(self.owner, JsonPath | Polymorphic) and self.owner.as_text:
            return str(user)
        return user

    def applies_to(self, user: int, row: Row) -> bool:
        """Return whether the tenant or kind in the row allows this user, or True if the place depends on neither."""
        if isinstance(self.owner, Column) and self.owner.tenant:
            return bool(row[self.column_of(self.owner.tenant)] == self.people[user]["tenant_id"])
        if isinstance(self.owner, Polymorphic):
            return bool(row[self.column_of(self.owner.kind_field)] == stored_kind(self.model, self.owner))
        return True

    # --- reading

    def holds(self, row: Row, user: int) -> bool:
        spelling = self.spelling(user)
        if spelling is None or not self.applies_to(user, row):
            return False
        return any(same(value, spelling) for value in self.values(row))

    def values(self, row: Row) -> list[Any]:
        value = self.value(row)
        return value if isinstance(value, list) else [value]

    def value(self, row: Row) -> Any:
        """Return the value at this place in the row: a single value, a list, or None."""
        value = row[self.column]
        for step in self.owner.path if isinstance(self.owner, JsonPath) else ():
            value = value.get(step) if isinstance(value, dict) else None
        return value

    # --- writing

    def mapped(self, row: Row, batch: Batch) -> Row:
        """Return a copy of the row with each source at this place replaced by its target."""
        row = deepcopy(row)
        for pair in batch.pairs:
            if self.holds(row, pair.source):
                self.put(row, self.replaced(self.value(row), pair.source, pair.target))
        return row

    def replaced(self, value: Any, source: int, target: int) -> Any:
        old, new = self.spelling(source), self.spelling(target)
        if isinstance(value, list):
            return without_duplicates([new if same(item, old) else item for item in value])
        return new

    def put(self, row: Row, value: Any) -> None:
        if not isinstance(self.owner, JsonPath) or not self.owner.path:
            row[self.column] = value
            return
        *parents, last = self.owner.path
        document = row[self.column]
        for step in parents:
            document = document[step]
        document[last] = value


def stored(text: str, model: type[Model], owner: Owner) -> Any:
    """Return an attribute of a user as JSON shows the column that stores it, or None if it has none."""
    field: Any = model._meta.get_field(owner.field)
    field = field.base_field if isinstance(field, ArrayField) else field
    if not text:
        return None
    if isinstance(owner, JsonPath):
        return text if owner.as_text else int(text)
    if isinstance(field, models.IntegerField | models.DecimalField):
        return int(text)
    is_padded = isinstance(field, models.CharField) and (field.db_type(connection) or "").startswith("char(")
    return text.ljust(field.max_length) if is_padded else text


def same(value: Any, spelling: Any) -> bool:
    """Return whether both values are equal and of the same type: true is not 1, and "7" is not 7."""
    return type(value) is type(spelling) and value == spelling


def without_duplicates(values: list[Any]) -> list[Any]:
    seen: list[str] = []
    kept = []
    for value in values:
        if (text := json.dumps(value, sort_keys=True)) not in seen:
            seen.append(text)
            kept.append(value)
    return kept


def places(data_type: DataType, people: People) -> list[Place]:
    return [Place(data_type, owner, people) for owner in data_type.owners]
