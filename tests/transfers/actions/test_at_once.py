"""Concurrent requests, each on its own database connection: two people, two tabs, double clicks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from accounts.models import User
from tests.fixtures.cast import Cast
from tests.fixtures.running import upload
from tests.transfers.actions.sheets import events, kinds
from transfers import actions, tasks
from transfers.actions import CannotConfirm
from transfers.models import Kind, Participant, State, Transfer, TransferPair
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def wake() -> Any:
    """Replace the function that wakes workers, so that no worker runs the confirmed transfers."""
    with patch.object(tasks, "wake") as wake:
        yield wake


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Call the functions at the same time, each in its own thread. Return what each returned or raised, in order."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            gate.wait(30)
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def confirming(by: User, draft: Transfer) -> Callable[[], Transfer]:
    """Plan the draft now, and return a function that confirms this plan as the user `by`."""
    plan = plan_of(draft, by)
    return lambda: actions.confirm(
        by=User.objects.get(pk=by.pk), transfer=draft, plan_hash=plan.hash, typed_count=len(plan.pairs)
    )


def single(by: User, source: User, target: User) -> Transfer:
    return actions.start_single(by=by, source_id=source.pk, target_id=target.pk)


def refusals(results: list[Any]) -> list[list[str]]:
    return [[problem.code for problem in r.problems] for r in results if isinstance(r, CannotConfirm)]


def test_twenty_confirmations_make_one_transfer(cast: Cast, wake: Any) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    results = at_once(*[confirming(cast.ada, draft)] * 20)
    assert {(made.pk, made.state) for made in results} == {(draft.pk, State.QUEUED)}
    assert (TransferPair.objects.count(), Participant.objects.count()) == (2, 4)
    assert kinds(events("transfer-confirmed", "confirmation-refused")) == ["transfer-confirmed"]
    wake.assert_called_once_with(draft.pk)


@pytest.mark.parametrize("shared", [False, True])
def test_of_two_bulks_exactly_one_starts(cast: Cast, shared: bool) -> None:
    """If the transfers share their users, the refusal is about either the running bulk transfer or the busy users."""
    first = upload(cast.ada, (cast.ana, cast.bo))
    second = upload(cast.ada, (cast.ana, cast.bo) if shared else (cast.cy, cast.di))
    results = at_once(confirming(cast.ada, first), confirming(cast.ada, second))
    assert refusals(results) in ([["bulk-running"]], [["user-busy", "user-busy"]])
    assert shared or refusals(results) == [["bulk-running"]]
    assert Transfer.objects.filter(state=State.QUEUED).count() == 1
    assert Transfer.objects.filter(state=State.DRAFT).count() == 1
    assert TransferPair.objects.count() == 1
    assert sorted(kinds(events("transfer-confirmed", "confirmation-refused"))) == [
        "confirmation-refused",
        "transfer-confirmed",
    ]


def test_of_two_singles_with_the_same_user_exactly_one_starts(cast: Cast) -> None:
    drafts = single(cast.otto, cast.ana, cast.bo), single(cast.ada, cast.cy, cast.ana)
    results = at_once(confirming(cast.otto, drafts[0]), confirming(cast.ada, drafts[1]))
    assert refusals(results) in ([["users-became-busy"]], [["user-busy"]])
    assert Transfer.objects.filter(state=State.QUEUED).count() == 1
    assert Participant.objects.count() == 2


def test_two_transfers_without_common_users_both_start(cast: Cast) -> None:
    drafts = upload(cast.ada, (cast.ana, cast.bo)), single(cast.otto, cast.cy, cast.di)
    results = at_once(confirming(cast.ada, drafts[0]), confirming(cast.otto, drafts[1]))
    assert [made.state for made in results] == [State.QUEUED] * 2


def test_opposite_orders_of_the_same_users_do_not_deadlock(cast: Cast) -> None:
    drafts = [single(cast.ada, *pair) for pair in ((cast.ana, cast.bo), (cast.bo, cast.ana))]
    for _ in range(5):
        results = at_once(*(confirming(cast.ada, draft) for draft in drafts))
        assert len(refusals(results)) == 1
        Participant.objects.all().delete()
        TransferPair.objects.all().delete()
        Transfer.objects.update(state=State.DRAFT, confirmed_at=None)


def test_ten_concurrent_submissions_make_one_draft(cast: Cast) -> None:
    drafts = at_once(*[lambda: single(cast.otto, cast.ana, cast.bo)] * 10)
    assert len({draft.pk for draft in drafts}) == Transfer.objects.count() == 1


def test_a_discard_and_a_confirmation_exclude_each_other(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    at_once(confirming(cast.otto, draft), lambda: actions.discard(by=cast.otto, transfer=draft))
    draft.refresh_from_db()
    started = TransferPair.objects.filter(transfer=draft).exists()
    assert draft.state == (State.QUEUED if started else State.DISCARDED)


def test_changes_and_a_confirmation_are_serialized(cast: Cast) -> None:
    """Either the pair that was shown is transferred, or nothing starts."""
    draft = upload(cast.ada, (cast.ana, cast.bo))
    at_once(
        confirming(cast.ada, draft),
        lambda: actions.swap_direction(by=cast.ada, transfer=draft),
        lambda: actions.fix_row(by=cast.ada, transfer=draft, number=2, to_text=str(cast.cy.pk)),
    )
    pairs = list(TransferPair.objects.values_list("source", "target"))
    assert pairs in ([(cast.ana.pk, cast.bo.pk)], [])
    assert Transfer.objects.get().state == (State.QUEUED if pairs else State.DRAFT)


def test_concurrent_stops_stop_once(cast: Cast) -> None:
    made = confirming(cast.ada, upload(cast.ada, (cast.ana, cast.bo)))()
    assert at_once(*[lambda: actions.stop(by=cast.ada, transfer=made)] * 5) == [None] * 5
    assert kinds(events("stop-requested", "transfer-finished")) == ["stop-requested", "transfer-finished"]


def test_concurrent_retries_make_one_draft(cast: Cast) -> None:
    made = confirming(cast.ada, upload(cast.ada, (cast.ana, cast.bo)))()
    actions.stop(by=cast.ada, transfer=made)
    drafts = at_once(*[lambda: actions.retry(by=cast.ada, transfer=made)] * 5)
    assert len({draft.pk for draft in drafts}) == 1
    assert Transfer.objects.filter(kind=Kind.BULK, state=State.DRAFT).count() == 1
