"""Generate the rows of one model in one tenant: fill each column, keep the keys unique, run the app's hook last."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Model

from demo.records.copying import first_free_id, written_fields
from demo.records.draw import Draw, Row
from demo.records.hooks import hooks
from demo.records.keys import automatic_key, spreads
from demo.records.values import Value, begin_and_end, value_for

REMEMBERED = 5000  # primary keys kept of a table without an auto-incrementing one


class Maker:
    """Generates rows of a model, with IDs that continue after those in its table.

    owner: attname of the column within whose values `draw.n` counts the rows. given: values that are not drawn, by
    attname.
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
        """How many of the wanted rows the unique keys allow."""
        return min([wanted, *(spread.room(self.draw) for spread in self.spreads)])

    def row(self, known: Mapping[str, Any] | None = None) -> Row:
        """One row with a value for every column; `known` overrides generated values."""
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
        """The primary keys of these rows, for other rows to reference."""
        return range(self.first_id, self.first_id + self.made) if self.key else self.remembered

    def order_times(self, row: Row) -> None:
        """Make every period end after it begins."""
        for begin, end in self.pairs:
            if row[begin] is not None and row[end] is not None:
                row[end] = later(row[begin], self.draw.below(3000))


def later(begin: date | time, amount: int) -> date | time:
    """A later datetime within the hour, date within the week, or time within about eight hours and before midnight."""
    if isinstance(begin, datetime):
        return begin + timedelta(seconds=30 + amount)
    if isinstance(begin, date):
        return begin + timedelta(days=amount // 450)
    return begin.replace(hour=min(begin.hour + 1 + amount // 375, 23), minute=45)
