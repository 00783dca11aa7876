"""Values of the owner columns of a demo row. The first owner is the row's agent, and the others are colleagues."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model

from demo.records.draw import Agent, Draw
from demo.records.values import Value
from transfers.registry import stored_kind
from transfers.rules import ArrayColumn, Column, DataType, JsonPath, Owner, Polymorphic

Person = Callable[[Draw], Agent]


def owning_column(entry: DataType) -> str:
    return attname(entry, entry.owners[0].field)


def can_own(entry: DataType, agent: Agent) -> bool:
    """Return whether the agent has a value for the first owner column.

    An agent may lack an employee ID, for example, and no agent of the demo has an external ID.
    """
    return bool(getattr(agent, entry.owners[0].holds))


def attname(entry: DataType, name: str) -> str:
    field: Any = entry.model._meta.get_field(name)
    return str(field.attname)


def owner_values(entry: DataType) -> dict[str, Value]:
    """Return functions that generate the values of the owner columns, by attname.

    Columns of user IDs, except the first owner, are left out, because they are drawn like any other reference.
    """
    values: dict[str, Value] = {}
    for place, owner in enumerate(entry.owners):
        if place == 0 or not is_plain(owner):
            made = values_of(entry.model, owner, the_agent if place == 0 else Draw.colleague)
            values.update({attname(entry, name): value for name, value in made.items()})
    return values


def is_plain(owner: Owner) -> bool:
    return isinstance(owner, Column) and owner.holds == "id"


def the_agent(draw: Draw) -> Agent:
    if draw.agent is None:
        raise ValueError("A row of a data type needs an agent.")
    return draw.agent


def values_of(model: type[Model], owner: Owner, person: Person) -> dict[str, Value]:
    """Return functions that generate the values of one owner's columns, by field name."""
    if isinstance(owner, Column):
        tenant = {owner.tenant: tenant_id} if owner.tenant else {}
        return {owner.field: lambda draw: getattr(person(draw), owner.holds), **tenant}
    if isinstance(owner, ArrayColumn):
        return {owner.field: lambda draw: with_colleagues(person, draw)}
    if isinstance(owner, JsonPath):
        return {owner.field: lambda draw: nested(owner, with_colleagues(person, draw))}
    return polymorphic_values(model, owner, person)


def polymorphic_values(model: type[Model], owner: Polymorphic, person: Person) -> dict[str, Value]:
    spelled: Callable[[int], Any] = str if owner.as_text else int
    return {
        owner.field: lambda draw: spelled(person(draw).id),
        owner.kind_field: lambda draw: stored_kind(model, owner),
    }


def tenant_id(draw: Draw) -> int:
    return draw.tenant_id


def with_colleagues(person: Person, draw: Draw) -> list[int]:
    """Return the IDs of the person and up to two colleagues, without duplicates."""
    users = [person(draw).id, *(draw.colleague().id for _ in range(draw.below(3)))]
    return list(dict.fromkeys(users))


def nested(owner: JsonPath, users: list[int]) -> Any:
    """Return a document with the users at the declared path: ("filter", "users") gives {"filter": {"users": […]}}."""
    document: Any = [str(user) for user in users] if owner.as_text else users
    for name in reversed(owner.path):
        document = {name: document}
    return document
