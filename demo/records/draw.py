"""The random source of demo rows: values, times, and the owner."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar

from django.db.models import Model

DAYS = 365
T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """A user with records. `share`: their number relative to the average of 1.0."""

    id: int
    username: str
    employee_id: str
    team_id: int | None
    is_active: bool
    share: float


@dataclass
class Draw:
    """The random source of one model's rows in one tenant; `agent`, `n` and `count` change from row to row.

    tenant_id: the tenant of the rows. until: the last day of the demo's year. agent: the owner of the row, or None.
    n: the row's index among the agent's rows. count: the agent's number of rows. position and ordinal: the row's index
    in the tenant and in the table. pools: primary keys that rows may reference, by model.
    """

    random: Random
    tenant_id: int
    until: date
    agents: Sequence[Agent]
    pools: dict[type[Model], Sequence[Any]]
    agent: Agent | None = None
    n: int = 0
    count: int = 1
    position: int = 0
    ordinal: int = 0
    midnight: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.midnight = datetime.combine(self.until, time(), UTC)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1."""
        return int(self.random.random() * limit)

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random.random() * len(items))]

    def pool(self, model: Any) -> Sequence[Any]:
        """Primary keys of the model's rows in the tenant."""
        return self.pools.get(model, ())

    def colleague(self) -> Agent:
        """Another user with records in the same tenant."""
        found = self.pick(self.agents)
        while found is self.agent and len(self.agents) > 1:
            found = self.pick(self.agents)
        return found

    def day(self) -> date:
        return self.until - timedelta(days=1 + self.below(DAYS))

    def moment(self) -> datetime:
        """A time between 07:00 and 21:00 on a day of the last year."""
        return self.at(1 + self.below(DAYS), 25_200 + self.below(50_400))

    def at(self, days_ago: int, second: int) -> datetime:
        """The time `seconds` into the day that is `days` before `until`."""
        return self.midnight + timedelta(-days_ago, second)
