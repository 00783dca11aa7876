"""Generate the rows of one model in one tenant: fill each column, keep the keys unique, then run the app's hook."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Model

from demo.records.copying import first_free_id, written_fields
from demo.records.draw import Draw, Row
from demo.records.hooks import hooks
from demo.records.keys import automatic_key, spreads
from demo.records.values import Value, begin_and_end, value_for

REMEMBERED = 5000  # primary keys kept per model if they do not auto-increment


class Maker:
    """Generates rows of a model, with IDs that continue after the last one in its table.

    `owner` is the attname of the owning column: `draw.n` numbers the rows with the same value in it. `given` maps
    attnames to functions whose values replace the generated ones.
    """

    def __init__(
        self,
        model: type[Model],
        draw: Draw,
        *,
        owner: str | None = None,
        given: Mapping[str, Value] | None = None,
    ) -> None:
        self.model, self.draw = model, draw
        self.key = automatic_key(model)
        self.first_id = first_free_id(model) if self.key else 0
        self.made = 0
        self.remembered: list[Any] = []
        self.spreads = spreads(model, owner, given or {}, draw)
        self.fills = self.columns_to_fill(given or {})
        self.pairs = begin_and_end(written_fields(model))
        self.hook = hooks().values.get(model)

    def columns_to_fill(self, given: Mapping[str, Value]) -> list[tuple[str, Value]]:
        spread = {column for spread in self.spreads for column in spread.columns}
        drawn = [f for f in written_fields(self.model) if f.attname not in {*given, *spread, self.key}]
        return [*((f.attname, value_for(f, self.draw)) for f in drawn), *given.items()]

    def room(self, wanted: int) -> int:
        """Return how many of the wanted rows the unique keys allow."""
        return min([wanted, *(spread.room(self.draw) for spread in self.spreads)])

    def row(self, known: Mapping[str, Any] | None = None) -> Row:
        """Return one row with a value for every column. Values in `known` replace generated ones."""
        draw = self.draw
        row: Row = {self.key: self.first_id + self.made} if self.key else {}
        for name, value in self.fills:
            row[name] = value(draw)
        for spread in self.spreads:
            spread.put(row, draw)
        self.order_times(row)
        row.update(known or {})
        if self.hook:
            self.hook(draw, row)
        self.count_row(row)
        return row

    def count_row(self, row: Row) -> None:
        self.made += 1
        self.draw.position += 1
        self.draw.ordinal += 1
        if not self.key and len(self.remembered) < REMEMBERED:
            self.remembered.append(row.get(self.model._meta.pk.attname))

    @property
    def references(self) -> Sequence[Any]:
        """The primary keys of the generated rows, which other rows may reference."""
        return range(self.first_id, self.first_id + self.made) if self.key else self.remembered

    def order_times(self, row: Row) -> None:
        """Set the end of every period so that it is not before its beginning."""
        for begin, end in self.pairs:
            if row[begin] is not None and row[end] is not None:
                row[end] = later(row[begin], self.draw.below(3000))


def later(begin: date | time, amount: int) -> date | time:
    """Return a value of the same type that is not before `begin`.

    A datetime is less than an hour later, a date up to six days, and a time one to nine hours, but on the same day.
    """
    if isinstance(begin, datetime):
        return begin + timedelta(seconds=30 + amount)
    if isinstance(begin, date):
        return begin + timedelta(days=amount // 450)
    return begin.replace(hour=min(begin.hour + 1 + amount // 375, 23), minute=45)
