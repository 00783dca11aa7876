"""Generate and load the rows of every registered data type in a tenant, and the rows that they reference."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import Model

from demo.records.copying import copy
from demo.records.draw import Agent, Draw, Row
from demo.records.hooks import hooks
from demo.records.maker import Maker
from demo.records.owners import can_own, owner_values, owning_column
from transfers.rules import Child, DataType

LOOKUP_ROWS = 8
CHUNK = 5000  # parent rows held in memory while their children are generated

MakeDraw = Callable[[type[Model]], Draw]
Counts = dict[type[Model], int]


def make_lookup(model: type[Model], draw: Draw) -> Counts:
    """Create the rows of a model that records reference, and return the number of rows by model.

    The rows have no owner. They are taken from the app's LOOKUPS or, if there are none, a few are generated.
    """
    maker = Maker(model, draw)
    known = hooks().lookups.get(model) or [{}] * maker.room(LOOKUP_ROWS)
    copy(model, (maker.row(values) for values in known))
    return publish(maker)


def make_records(entry: DataType, scale: float, draw_for: MakeDraw) -> Counts:
    """Create the rows of a data type and their children, and return the number of rows by model."""
    draw = draw_for(entry.model)
    maker = Maker(entry.model, draw, owner=owning_column(entry), given=owner_values(entry))
    children = made_with(entry.children, draw_for)
    agents = [agent for agent in draw.agents if can_own(entry, agent)]
    copy_with_children(maker, children, rows_of_agents(maker, agents, entry.demo_rows * scale))
    return publish(maker, *(made for child in children for made in child.makers))


def rows_of_agents(maker: Maker, agents: Iterable[Agent], average: float) -> Iterator[Row]:
    """Yield the rows of the agents: `average * share` rows for each agent.

    A fraction of a row is the probability of one more row.
    """
    draw = maker.draw
    for agent in agents:
        wanted = average * agent.share
        draw.agent = agent
        draw.count = maker.room(int(wanted) + draw.chance(wanted % 1))
        for n in range(draw.count):
            draw.n = n
            yield maker.row()


def copy_with_children(maker: Maker, children: Sequence["ChildRows"], rows: Iterator[Row]) -> None:
    if not children:
        copy(maker.model, rows)
    while children and (chunk := list(islice(rows, CHUNK))):
        copy(maker.model, chunk)
        for child in children:
            copy_with_children(child.maker, child.children, child.rows(chunk))


def made_with(children: Iterable[Child], draw_for: MakeDraw) -> list["ChildRows"]:
    """Return the children that are parts of the parent. Detached ones only refer to it, and stay without it."""
    return [ChildRows(child, draw_for) for child in children if not child.detached]


def publish(*makers: Maker) -> Counts:
    """Allow later rows of the tenant to reference the rows of these makers. Return the number of rows by model."""
    for maker in makers:
        maker.draw.pools[maker.model] = maker.references
    return {maker.model: maker.made for maker in makers}


class ChildRows:
    """Generates the rows of a child model, which may have child models itself."""

    def __init__(self, child: Child, draw_for: MakeDraw) -> None:
        link: Any = child.model._meta.get_field(child.field)
        self.target = link.target_field.attname
        self.parent: Any = None
        given = {link.attname: lambda draw: self.parent}
        self.maker = Maker(child.model, draw_for(child.model), owner=link.attname, given=given)
        self.hook = hooks().children.get(child.model)
        self.children = made_with(child.children, draw_for)

    @property
    def makers(self) -> list[Maker]:
        return [self.maker, *(maker for child in self.children for maker in child.makers)]

    def rows(self, parents: Iterable[Row]) -> Iterator[Row]:
        draw = self.maker.draw
        for row in parents:
            self.parent = row[self.target]
            known = self.hook(draw, row) if self.hook else [{}] * (1 + draw.below(4))
            draw.count = self.maker.room(len(known))
            for n in range(draw.count):
                draw.n = n
                yield self.maker.row(known[n])
