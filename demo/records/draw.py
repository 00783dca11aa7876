"""The random source and context of a demo row: its agent, its tenant and its time range."""

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
    """A user with records. `share` is the number of their records relative to the average, which is 1.0."""

    id: int
    username: str
    employee_id: str
    external_id: str
    team_id: int | None
    is_active: bool
    share: float


@dataclass
class Draw:
    """The random source for the rows of one model in one tenant, and the position of the current row.

    `until` is the last day of the demo's year, and `pools` holds the primary keys that rows may reference, by model.
    The other attributes change from row to row:

    - agent: the owner of the row, or None for rows without an owner
    - n: the number of the row among those of its owner, from 0
    - count: how many rows the owner gets
    - position: the number of the row among those of the tenant
    - ordinal: the number of the row in the table
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
        """Return an integer from 0 to limit - 1."""
        return int(self.random.random() * limit)

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random.random() * len(items))]

    def pool(self, model: Any) -> Sequence[Any]:
        """Return the primary keys of the model's rows in the tenant, or () before the rows are created."""
        return self.pools.get(model, ())

    def colleague(self) -> Agent:
        """Return another user with records in the tenant, or the agent if there is no other."""
        found = self.pick(self.agents)
        while found is self.agent and len(self.agents) > 1:
            found = self.pick(self.agents)
        return found

    def day(self) -> date:
        return self.until - timedelta(days=1 + self.below(DAYS))

    def moment(self) -> datetime:
        """Return a time between 07:00 and 21:00 on a day of the demo's year."""
        return self.at(1 + self.below(DAYS), 25_200 + self.below(50_400))

    def at(self, days_ago: int, second: int) -> datetime:
        """Return the time `second` seconds after midnight, `days_ago` days before `until`."""
        return self.midnight + timedelta(-days_ago, second)
