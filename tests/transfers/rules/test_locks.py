"""The engine locks each row whose ctid it stores, because an update by another session would change the ctid."""

from typing import Any

import psycopg
import pytest
from django.db import transaction

from tenancy.context import ALL_TENANTS, TENANT_SETTING
from tests.conftest import reachable_test_database
from tests.fixtures import cast
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.test_children import Rows, S, T, X, rows
from transfers.engine import batch
from transfers.engine.stage import StagedPair, compile_plans, disable_seqscan, perform, set_stage
from transfers.models import Kind, State

pytestmark = pytest.mark.django_db(transaction=True)

CARRYING_OUT = {"merge", "discard", "adopt_children", "move_resolved"}


def unlocked(table: str) -> list[int]:
    """Return the IDs of the rows that another connection could lock now without waiting."""
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT set_config(%s, %s, false)", [TENANT_SETTING, ALL_TENANTS])
        found = other.execute(running.composed("SELECT id FROM {} FOR UPDATE SKIP LOCKED", table))
        return sorted(row[0] for row in found)


def resolve_only(people: People, table: str) -> None:
    """Run the steps that decide what happens to each row, but not the steps that change the rows."""
    disable_seqscan()
    set_stage(StagedPair(n, one.pk, other.pk) for n, (one, other) in enumerate(people.pairs))
    with running.only(running.type_of(table)):
        for plan in compile_plans():
            perform(step for step in plan.run if step.name not in CARRYING_OUT)


CONFLICT_RESOLVING: dict[str, tuple[dict[str, Rows], dict[str, list[int]]]] = {
    "rows of source and target, and children of lost rows": (
        {
            "smallapp_case": rows("owner_id k", (S, 1), (T, 1), (X, 1)),
            "smallapp_casenote": rows("case_id text", (1, "a"), (3, "a")),
            "smallapp_casefile": rows("case_id number", (1, 1), (2, 1), (3, 1)),
        },
        {"smallapp_case": [3], "smallapp_casenote": [2], "smallapp_casefile": [3]},
    ),
    "overwritten rows": (
        {"smallapp_shift": rows("worker_id planner_id slot", (S, X, 1), (T, X, 2), (X, X, 3))},
        {"smallapp_shift": [3]},
    ),
}


@pytest.mark.parametrize("name", CONFLICT_RESOLVING)
def test_noted_rows_are_locked(people: People, name: str) -> None:
    world, expected = CONFLICT_RESOLVING[name]
    for table, lines in world.items():
        running.insert(table, people.spell(lines))
    with transaction.atomic():
        resolve_only(people, next(iter(world)))
        assert {table: unlocked(table) for table in world} == expected


def test_h4_inserts_for_the_users_of_a_batch_have_to_wait(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inserting a row that references a user requires a lock on that user, and a batch locks its users at its start."""
    found: list[list[int]] = []
    real = batch.move_records

    def move_records(*given: Any, **how: Any) -> None:
        found.append(unlocked("accounts_user"))
        real(*given, **how)

    monkeypatch.setattr(batch, "move_records", move_records)
    transfer = cast.transfer(people.by, *people.pairs, state=State.RUNNING, kind=Kind.BULK)
    batch.run_batch(transfer, [pair.pk for pair in transfer.pairs.all()])
    assert found == [sorted(user.pk for user in (people.by, people["X"], people["O"]))]
