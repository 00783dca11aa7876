"""Generate the rows of every data type of a tenant, and of the models they reference, from the registry."""

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
CHUNK = 5000  # rows whose child rows are generated together

MakeDraw = Callable[[type[Model]], Draw]
Counts = dict[type[Model], int]


def make_lookup(model: type[Model], draw: Draw) -> Counts:
    """Rows of a model without an owner that records reference: the app's own, or a few generated ones."""
    maker = Maker(model, draw)
    known = hooks().lookups.get(model) or [{}] * maker.room(LOOKUP_ROWS)
    copy(model, (maker.row(values) for values in known))
    return settle(maker)


def make_records(entry: DataType, scale: float, draw_for: MakeDraw) -> Counts:
    """Load the rows of a data type and their child rows; return the number per model. Holds one chunk in memory."""
    draw = draw_for(entry.model)
    maker = Maker(entry.model, draw, owner=owning_column(entry), given=owner_values(entry))
    broods = [Brood(child, draw_for) for child in entry.children]
    agents = [agent for agent in draw.agents if can_own(entry, agent)]
    load(maker, broods, rows_of_agents(maker, agents, entry.demo_rows * scale))
    return settle(maker, *(made for brood in broods for made in brood.makers))


def rows_of_agents(maker: Maker, agents: Iterable[Agent], average: float) -> Iterator[Row]:
    """Rows per agent: their share of the average; fractions are rounded at random."""
    draw = maker.draw
    for agent in agents:
        wanted = average * agent.share
        draw.agent = agent
        draw.count = maker.room(int(wanted) + draw.chance(wanted % 1))
        for n in range(draw.count):
            draw.n = n
            yield maker.row()


def load(maker: Maker, broods: Sequence["Brood"], rows: Iterator[Row]) -> None:
    if not broods:
        copy(maker.model, rows)
    while broods and (chunk := list(islice(rows, CHUNK))):
        copy(maker.model, chunk)
        for brood in broods:
            load(brood.maker, brood.broods, brood.rows(chunk))


def settle(*makers: Maker) -> Counts:
    """Let later rows of the tenant reference these."""
    for maker in makers:
        maker.draw.pools[maker.model] = maker.references
    return {maker.model: maker.made for maker in makers}


class Brood:
    """Generates the child rows of a data type's rows, to any depth."""

    def __init__(self, child: Child, draw_for: MakeDraw) -> None:
        link: Any = child.model._meta.get_field(child.field)
        self.target = link.target_field.attname
        self.parent: Any = None
        given = {link.attname: lambda draw: self.parent}
        self.maker = Maker(child.model, draw_for(child.model), owner=link.attname, given=given)
        self.hook = hooks().children.get(child.model)
        self.broods = [Brood(grandchild, draw_for) for grandchild in child.children]

    @property
    def makers(self) -> list[Maker]:
        return [self.maker, *(made for brood in self.broods for made in brood.makers)]

    def rows(self, parents: Iterable[Row]) -> Iterator[Row]:
        draw = self.maker.draw
        for row in parents:
            self.parent = row[self.target]
            known = self.hook(draw, row) if self.hook else [{}] * (1 + draw.below(4))
            draw.count = self.maker.room(len(known))
            for n in range(draw.count):
                draw.n = n
                yield self.maker.row(known[n])
