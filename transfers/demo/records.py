"""The rows of every data type in a tenant, and of what they refer to, from the registry alone."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Field, JSONField, Model

from transfers.demo.copying import copy
from transfers.demo.draw import Draw, Row
from transfers.demo.hooks import hooks
from transfers.demo.maker import Maker
from transfers.demo.values import Value
from transfers.rules import Child, DataType

LOOKUP_ROWS = 8
CHUNK = 5000  # rows whose children are made together

MakeDraw = Callable[[type[Model]], Draw]
Counts = dict[type[Model], int]


def make_lookup(model: type[Model], draw: Draw) -> Counts:
    """The rows of a model that records refer to and that nobody owns: the app's own, or a handful that are made up."""
    maker = Maker(model, draw)
    known = hooks().lookups.get(model) or [{}] * maker.room(LOOKUP_ROWS)
    copy(model, (maker.row(values) for values in known))
    return settle(maker)


def make_records(entry: DataType, scale: float, draw_for: MakeDraw) -> Counts:
    """The rows of a data type with their children: how many of each model. One chunk of them is held in memory."""
    draw = draw_for(entry.model)
    maker = Maker(entry.model, draw, owner=owning_column(entry), given=owner_values(entry))
    rows = rows_of_agents(maker, entry.demo_rows * scale)
    broods = [Brood(child, draw_for(child.model)) for child in entry.children]
    if broods:
        while chunk := list(islice(rows, CHUNK)):
            copy(entry.model, chunk)
            for brood in broods:
                copy(brood.maker.model, brood.rows(chunk))
    else:
        copy(entry.model, rows)
    return settle(maker, *(brood.maker for brood in broods))


def rows_of_agents(maker: Maker, average: float) -> Iterator[Row]:
    """Each agent has their share of the average; what is less than one row is left to chance."""
    draw = maker.draw
    for agent in draw.agents:
        wanted = average * agent.share
        draw.agent = agent
        draw.count = maker.room(int(wanted) + draw.chance(wanted % 1))
        for n in range(draw.count):
            draw.n = n
            yield maker.row()


def settle(*makers: Maker) -> Counts:
    """From now on other rows of the tenant may refer to these."""
    for maker in makers:
        maker.draw.pools[maker.model] = maker.references
    return {maker.model: maker.made for maker in makers}


# --- Children ------------------------------------------------------------------------------------------------------


class Brood:
    """The rows of a child model that hang on rows of a data type."""

    def __init__(self, child: Child, draw: Draw) -> None:
        link: Any = child.model._meta.get_field(child.field)
        self.column = link.attname
        self.target = link.target_field.attname
        self.parent: Any = None
        self.maker = Maker(
            child.model, draw, owner=self.column, given={self.column: lambda draw: self.parent}
        )
        self.hook = hooks().children.get(child.model)

    def rows(self, parents: list[Row]) -> Iterator[Row]:
        draw = self.maker.draw
        for row in parents:
            self.parent = row[self.target]
            known = self.hook(draw, row) if self.hook else [{}] * (1 + draw.below(4))
            draw.count = self.maker.room(len(known))
            for n in range(draw.count):
                draw.n = n
                yield self.maker.row(known[n])


# --- Owners --------------------------------------------------------------------------------------------------------


def owning_column(entry: DataType) -> str:
    field: Any = entry.model._meta.get_field(entry.owners[0].field)
    return str(field.attname)


def owner_values(entry: DataType) -> dict[str, Value]:
    """The first owner is the agent; further lists of users hold colleagues, and further columns are drawn anyway."""
    values: dict[str, Value] = {}
    for place, owner in enumerate(entry.owners):
        field: Any = entry.model._meta.get_field(owner.field)
        path = tuple(getattr(owner, "path", ()))
        if place == 0 or isinstance(field, ArrayField | JSONField):
            values[field.attname] = owner_value(field, path, first=place == 0)
    return values


def owner_value(field: Field, path: tuple[str, ...], *, first: bool) -> Value:
    def users(draw: Draw) -> list[int]:
        others = {draw.colleague() for _ in range(draw.below(3) + (not first))}
        return [*([draw.agent.id] if first and draw.agent else []), *sorted(others)]

    if isinstance(field, ArrayField):
        return users
    if isinstance(field, JSONField):
        return lambda draw: nested(path, users(draw))
    return lambda draw: draw.agent.id if draw.agent else None


def nested(path: tuple[str, ...], users: list[int]) -> Any:
    """The list at its declared place: ("filter", "users") gives {"filter": {"users": [...]}}."""
    document: Any = users
    for name in reversed(path):
        document = {name: document}
    return document
