"""Rows in hand are locked from the moment they are noted: a ctid names a row only while nobody else can move it."""

from typing import Any

import psycopg
import pytest
from django.db import transaction

from accounts import wall
from tests.conftest import reachable_test_database
from tests.transfers import cast
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.test_children import Rows, S, T, X, rows
from transfers.engine import batch
from transfers.engine.stage import StagedPair, compile_plans, go_by_owner, perform, set_stage
from transfers.models import Kind, State

pytestmark = pytest.mark.django_db(transaction=True)

CARRIES_OUT = {"merge", "discard", "adopt_children", "move_judged"}


def free(table: str) -> list[int]:
    """The rows that another connection could change at this moment, without waiting."""
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT set_config(%s, %s, false)", [wall.SETTING, wall.EVERYBODY])
        found = other.execute(running.composed("SELECT id FROM {} FOR UPDATE SKIP LOCKED", table))
        return sorted(row[0] for row in found)


def judge_only(people: People, table: str) -> None:
    """Everything of a run up to where the decisions are carried out."""
    go_by_owner()
    set_stage(StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs))
    with running.only(running.type_of(table)):
        for plan in compile_plans():
            perform(step for step in plan.run if step.name not in CARRIES_OUT)


JUDGED: dict[str, tuple[dict[str, Rows], dict[str, list[int]]]] = {
    "the source's, the target's, and what hangs on those that go": (
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1), (X, 1)),
            "smallapp_casenote": rows("case_id text", (1, "a"), (3, "a")),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1), (3, 1)),
        },
        {"smallapp_case": [3], "smallapp_casenote": [2], "smallapp_casefile": [3]},
    ),
    "those that are overwritten": (
        {"smallapp_shift": rows("worker_id planner_id slot", (S, X, 1), (T, X, 2), (X, X, 3))},
        {"smallapp_shift": [3]},
    ),
}


@pytest.mark.parametrize("name", JUDGED)
def test_nobody_can_change_a_row_that_is_judged(people: People, name: str) -> None:
    world, expected = JUDGED[name]
    for table, lines in world.items():
        running.insert(table, people.spell(lines))
    with transaction.atomic():
        judge_only(people, next(iter(world)))
        assert {table: free(table) for table in world} == expected


def test_h4_new_rows_for_the_users_of_a_batch_have_to_wait(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever inserts a row that names a user needs a lock on that user, which the batch holds from its start."""
    found: list[list[int]] = []
    real = batch.move_records

    def move_records(*given: Any, **how: Any) -> None:
        found.append(free("accounts_user"))
        real(*given, **how)

    monkeypatch.setattr(batch, "move_records", move_records)
    transfer = cast.transfer(people.by, *people.pairs, state=State.RUNNING, kind=Kind.BULK)
    batch.run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])
    assert found == [sorted(user.pk for user in (people.by, people["X"], people["O"]))]
