"""Where a row says whose it is: does it hold a user, and what stands there once the sources became their targets.

A user stands in a place by a spelling: the id, the id as text, the employee ID, the user name. Somebody without an
employee ID stands nowhere by it. Lists keep their order, and where a source was in one, each value stands in it once,
at its first occurrence; a list without a source is not touched.
"""

import json
from copy import deepcopy
from typing import Any

from tests.oracle.world import Batch, People, Row
from transfers.rules import Column, DataType, JsonPath, Owner, Polymorphic


class Place:
    """One owner of a data type."""

    def __init__(self, data_type: DataType, owner: Owner, people: People) -> None:
        self.owner = owner
        self.people = people
        self.model = data_type.model
        self.column = self.column_of(owner.field)

    def column_of(self, name: str) -> str:
        return str(self.model._meta.get_field(name).column)

    # --- spelling

    def spelling(self, user: int) -> Any:
        if isinstance(self.owner, Column):
            return self.people[user][self.owner.holds] or None
        if isinstance(self.owner, JsonPath | Polymorphic) and self.owner.as_text:
            return str(user)
        return user

    def is_spoken_of(self, user: int, row: Row) -> bool:
        """Is the place one for users like this one at all?"""
        if isinstance(self.owner, Column) and self.owner.tenant:
            return bool(row[self.column_of(self.owner.tenant)] == self.people[user]["tenant_id"])
        if isinstance(self.owner, Polymorphic):
            return bool(row[self.column_of(self.owner.kind_field)] == self.owner.kind)
        return True

    # --- reading

    def holds(self, row: Row, user: int) -> bool:
        spelling = self.spelling(user)
        if spelling is None or not self.is_spoken_of(user, row):
            return False
        return any(same(value, spelling) for value in self.values(row))

    def values(self, row: Row) -> list[Any]:
        found = self.found(row)
        return found if isinstance(found, list) else [found]

    def found(self, row: Row) -> Any:
        """What stands at the place: one value, a list of them, or None."""
        value = row[self.column]
        for step in self.owner.path if isinstance(self.owner, JsonPath) else ():
            value = value.get(step) if isinstance(value, dict) else None
        return value

    # --- writing

    def mapped(self, row: Row, batch: Batch) -> Row:
        """The row with every source in this place replaced by their target."""
        row = deepcopy(row)
        for pair in batch.pairs:
            if self.holds(row, pair.source):
                self.put(row, self.replaced(self.found(row), pair.source, pair.target))
        return row

    def replaced(self, found: Any, source: int, target: int) -> Any:
        old, new = self.spelling(source), self.spelling(target)
        if isinstance(found, list):
            return each_once([new if same(value, old) else value for value in found])
        return new

    def put(self, row: Row, value: Any) -> None:
        if not isinstance(self.owner, JsonPath) or not self.owner.path:
            row[self.column] = value
            return
        *way, last = self.owner.path
        inside = row[self.column]
        for step in way:
            inside = inside[step]
        inside[last] = value


def same(value: Any, spelling: Any) -> bool:
    """Equal and of the same kind: true is not 1, and "7" is not 7."""
    return type(value) is type(spelling) and value == spelling


def each_once(values: list[Any]) -> list[Any]:
    seen: list[str] = []
    kept = []
    for value in values:
        if (text := json.dumps(value, sort_keys=True)) not in seen:
            seen.append(text)
            kept.append(value)
    return kept


def places(data_type: DataType, people: People) -> list[Place]:
    return [Place(data_type, owner, people) for owner in data_type.owners]
