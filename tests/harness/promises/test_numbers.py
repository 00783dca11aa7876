"""Promise R9: the numbers of a transfer add up at every commit, whatever events occur and in whatever order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, people_csv
from transfers import actions
from transfers.actions import confirming
from transfers.engine import worker
from transfers.engine.completion import finish_if_done
from transfers.models import PairState, State, Transfer
from transfers.results.progress import progress_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PAIRS, BLANK = 9, 3
MAX_RUNS = 3 * PAIRS  # enough for a power cut at each of the three attempts of every pair
EVENTS = ("work", "work a little", "power cut", "stop", "finish", "poison", "antidote")
some_events = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, PAIRS - 1)), min_size=1, max_size=8)


class PowerCut(BaseException):
    """Raised to end a worker without its error handling: as close to a power cut as a single process can come."""


class Simulation:
    """A transfer with random events. `check` is called after everything that could change a pair."""

    def __init__(self, cast: Cast, pairs: list[tuple[User, User]]) -> None:
        blanks: list[tuple[Any, Any]] = [(source.pk, "") for source, _ in pairs[:BLANK]]
        self.draft = actions.upload(
            by=cast.ada, file_name="people.csv", stream=people_csv(*pairs[BLANK:], *blanks)
        )
        assert self.draft.file_summary["read"] == len(pairs)
        self.transfer = confirm(self.draft, cast.ada)
        self.keys = [pair.pk for pair in self.transfer.pairs.all()]
        self.poisoned: set[int] = set()
        self.killers: set[int] = set()
        self.real = worker.run_batch

    def check(self) -> None:
        states = [state for (state,) in self.transfer.pairs.values_list("state")]
        selected = self.draft.file_summary["read"] - self.draft.file_summary["blank"]
        assert len(states) == selected
        known = [PairState.SUCCEEDED, PairState.FAILED, PairState.NOT_STARTED, PairState.PENDING]
        assert sum(states.count(state) for state in known) == selected
        self.transfer.refresh_from_db()
        assert self.transfer.is_final == (self.ended and PairState.PENDING not in states)
        progress = progress_of(self.transfer)
        assert progress.succeeded + progress.failed + progress.not_started <= progress.total == selected
        for state in known[:3]:
            assert states.count(state) >= self.before.get(state, 0), "what is final stays as it is"
        self.before = {state: states.count(state) for state in known[:3]}

    before: dict[str, int] = {}

    @property
    def ended(self) -> bool:
        return bool(Transfer.objects.get(pk=self.transfer.pk).finished_at)

    def run_batch(self, transfer: Transfer, pair_ids: Any) -> None:
        self.check()
        if self.killers.intersection(pair_ids):
            raise PowerCut
        if self.poisoned.intersection(pair_ids):
            raise ZeroDivisionError
        self.real(transfer, pair_ids)
        self.check()

    def apply(self, event: str, number: int) -> None:
        key = self.keys[number % len(self.keys)]
        acts: dict[str, Callable[[], object]] = {
            "work": lambda: worker.work_on(self.transfer.pk),
            "work a little": lambda: worker.work_on(self.transfer.pk, seconds=0),
            "power cut": lambda: self.killers.add(key),
            "poison": lambda: self.poisoned.add(key),
            "antidote": lambda: (self.killers.clear(), self.poisoned.clear()),
            "finish": lambda: finish_if_done(self.transfer.pk),
            "stop": lambda: actions.stop(by=self.transfer.requested_by, transfer=self.transfer),
        }
        with suppress(PowerCut):
            acts[event]()
        self.check()


@pytest.fixture
def pairs(cast: Cast) -> list[tuple[User, User]]:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(2 * PAIRS)]
    for user in users:
        records.real_time_state(user)
    return list(zip(users[:PAIRS], users[PAIRS:], strict=True))


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patch.object(worker, "PAUSE", 0))
        stack.enter_context(patch.object(confirming, "CHUNK_PAIRS", 3))
        yield


def test_r9_the_numbers_always_add_up(cast: Cast, pairs: list[tuple[User, User]]) -> None:
    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(some_events)
    @example(
        [("power cut", 5), ("work", 0), ("stop", 0)]
    )  # the first chunk is transferred, and the second is stopped
    def play(events: list[tuple[str, int]]) -> None:
        with transaction.atomic():
            simulation = Simulation(cast, pairs)
            with patch.object(worker, "run_batch", simulation.run_batch):
                for event, number in events:
                    simulation.apply(event, number)
                finish(simulation)
            transaction.set_rollback(True)

    play()


def finish(simulation: Simulation) -> None:
    """Work on the transfer until it ends, and check that every pair is then in a final state."""
    for _ in range(MAX_RUNS):
        if finish_if_done(simulation.transfer.pk):
            break
        simulation.apply("work", 0)
    simulation.check()
    assert simulation.transfer.state in (
        State.SUCCEEDED,
        State.FINISHED_WITH_ERRORS,
        State.FAILED,
        State.STOPPED,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM transfers_participant")
        assert cursor.fetchone()[0] == 0
