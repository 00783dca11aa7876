"""A confirmation starts exactly the plan that was shown, and only once. If nothing starts, the person is told why."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AccessViewAssignment, RoleAssignment, User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, transfer
from tests.fixtures.running import run, upload
from tests.transfers.actions.sheets import events, kinds, line, send
from transfers import actions, tasks
from transfers.actions import CannotConfirm, PlanChanged, confirming
from transfers.actions.confirming import with_chunk
from transfers.models import Kind, PairState, Participant, State, Transfer, TransferPair
from transfers.planning.plan import PlannedPair, plan_of

pytestmark = pytest.mark.django_db
CONFIRMATION_EVENTS = ("transfer-confirmed", "confirmation-refused")


def single(by: User, source: User, target: User) -> Transfer:
    return actions.start_single(by=by, source_id=source.pk, target_id=target.pk)


def shown(draft: Transfer, by: User) -> dict:
    """Return the fields that the confirmation page would submit."""
    plan = plan_of(draft, by)
    ticked = {warning.code for warning in plan.to_tick}
    return {"plan_hash": plan.hash, "typed_count": len(plan.pairs), "ticked": ticked}


def confirm(by: User, draft: Transfer, **answer: object) -> Transfer:
    answer = {**shown(draft, by), **answer}
    return actions.confirm(by=by, transfer=draft, address="192.0.2.7", **answer)


def refused(by: User, draft: Transfer, **answer: object) -> list[str]:
    """Assert that the confirmation is refused and leaves only an audit event; return the problem codes."""
    with pytest.raises(CannotConfirm) as cannot:
        confirm(by, draft, **answer)
    assert_not_started(draft)
    (event,) = events(*CONFIRMATION_EVENTS)
    assert (event.kind, event.transfer_number, event.address) == (
        "confirmation-refused",
        draft.number,
        "192.0.2.7",
    )
    assert cannot.value.problems[0].sentence in event.detail("reason")
    return [problem.code for problem in cannot.value.problems]


def assert_not_started(draft: Transfer) -> None:
    assert Transfer.objects.get(pk=draft.pk).state == State.DRAFT
    assert not TransferPair.objects.filter(transfer=draft).exists()
    assert not Participant.objects.filter(transfer=draft).exists()


# --- It starts -------------------------------------------------------------------------------------------------------


def test_a_confirmed_draft_is_queued_with_its_pairs_and_participants(cast: Cast) -> None:
    records.call(cast.ana)
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (cast.ana, cast.bo))
    answer = shown(draft, cast.ada)
    made = confirm(cast.ada, draft)
    assert (made.pk, made.state, made.plan_hash) == (draft.pk, State.QUEUED, answer["plan_hash"])
    assert made.confirmed_at is not None
    pairs = list(made.pairs.all())
    assert [(pair.row_number, pair.source, pair.target, pair.state) for pair in pairs] == [
        (2, cast.ana, cast.bo, PairState.PENDING),
        (3, cast.cy, cast.di, PairState.PENDING),
    ]
    assert [(pair.source_name, pair.target_name) for pair in pairs] == [
        ("Ana Díaz", "Bo Chen"),
        ("Cy Young", "Di Ng"),
    ]
    assert [(pair.weight, pair.warnings) for pair in pairs] == [
        (1, ["active-source"]),
        (0, ["active-source", "nothing-to-move"]),
    ]
    assert set(Participant.objects.values_list("user", flat=True)) == {
        u.pk for u in (cast.ana, cast.bo, cast.cy, cast.di)
    }


def test_a_new_pair_has_the_defaults_of_the_model(cast: Cast) -> None:
    pair = confirm(cast.ada, upload(cast.ada, (cast.ana, cast.bo))).pairs.get()
    given = {
        "id",
        "transfer_id",
        "row_number",
        "source_id",
        "target_id",
        "source_name",
        "target_name",
        "warnings",
    }
    defaults = {field.attname: field.get_default() for field in TransferPair._meta.concrete_fields}
    assert {name: getattr(pair, name) for name in defaults.keys() - given} == {
        name: default for name, default in defaults.items() if name not in given
    }


def test_the_start_is_in_the_audit_log_with_its_numbers(cast: Cast) -> None:
    records.call(cast.ana)
    records.schedule(cast.ana, 1)
    records.schedule(cast.bo, 1, activities=3)
    draft = upload(cast.ada, (cast.ana, cast.bo))
    confirm(cast.ada, draft)
    (event,) = events(*CONFIRMATION_EVENTS)
    assert (event.kind, event.actor_id, event.transfer_number, event.address) == (
        "transfer-confirmed",
        cast.ada.pk,
        draft.number,
        "192.0.2.7",
    )
    assert [event.detail(name) for name in ("pairs", "transferred", "deleted")] == [1, 2, 4]


def test_workers_are_woken_once_and_only_after_the_commit(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    with patch.object(tasks, "wake") as wake:
        with django_capture_on_commit_callbacks(execute=True):
            confirm(cast.otto, draft)
            wake.assert_not_called()
        wake.assert_called_once_with(draft.pk)
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            confirm(cast.otto, draft)
        assert callbacks == []


def test_confirmed_twice_it_starts_once(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    answer = shown(draft, cast.otto)
    first, second = (confirm(cast.otto, draft, **answer) for _ in range(2))
    assert first == second == Transfer.objects.get()
    assert kinds(events(*CONFIRMATION_EVENTS)) == ["transfer-confirmed"]
    run(first)
    assert confirm(cast.otto, draft, **answer).state == State.SUCCEEDED


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "redis+socket:///nowhere/redis.sock"])
def test_it_starts_without_redis(
    cast: Cast,
    address: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The transfer is queued, and the recovery sweep wakes the workers later."""
    draft = single(cast.otto, cast.ana, cast.bo)

    def to_nowhere(*args: object, **options: object) -> object:
        with current_app.connection_for_write(url=address) as dead:
            return apply(*args, **options, connection=dead)

    apply = tasks.run_transfer.apply_async
    monkeypatch.setattr(tasks.run_transfer, "apply_async", to_nowhere)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert confirm(cast.otto, draft).state == State.QUEUED
    assert len(callbacks) == 1
    assert "the queue cannot be reached; the recovery sweep will wake it" in caplog.text


def test_an_error_while_waking_workers_does_not_fail_the_request(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    with (
        patch.object(tasks, "wake", side_effect=RuntimeError) as wake,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert confirm(cast.otto, draft).state == State.QUEUED
    wake.assert_called_once()


# --- It does not start -----------------------------------------------------------------------------------------------


def test_rows_with_errors(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))
    assert refused(cast.ada, draft) == ["unknown-user"]


def test_a_user_who_became_tenant_administrator_since_the_preview(cast: Cast) -> None:
    draft = single(cast.ada, cast.ana, cast.nina)
    answer = shown(draft, cast.ada)
    role = cast.ada.roles.get()
    role.permissions = [*role.permissions, "administer_tenant"]
    role.save()
    RoleAssignment.objects.create(role=role, user=cast.nina)
    assert refused(cast.ada, draft, **answer) == ["tenant-administrator"]


def test_a_person_who_lost_the_view_since_the_preview(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    answer = shown(draft, cast.otto)
    assert cast.otto.active_views  # caches the views, but the confirmation must not use the cache
    AccessViewAssignment.objects.filter(user=cast.otto).delete()
    assert refused(cast.otto, draft, **answer) == ["unknown-user", "unknown-user"]


def test_a_person_who_lost_the_permission_since_the_page_was_opened(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    assert cast.otto.permissions  # caches the permissions, but the confirmation must not use the cache
    RoleAssignment.objects.filter(user=cast.otto).delete()
    assert refused(cast.otto, draft) == ["person-may-not"]


def test_the_permission_for_single_transfers_is_not_the_one_for_bulk(cast: Cast) -> None:
    draft = upload(cast.otto, (cast.ana, cast.bo))
    assert refused(cast.otto, draft) == ["person-may-not"]


def test_an_inactive_person(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    User.objects.filter(pk=cast.otto.pk).update(is_active=False)
    assert refused(cast.otto, draft) == ["person-may-not"]


def test_nothing_selected(cast: Cast) -> None:
    assert refused(cast.ada, send(cast.ada, line(cast.ana, ""))) == ["no-users-selected"]


@pytest.mark.parametrize("typed", [None, 0, 1, 3])
def test_the_number_of_pairs_has_to_be_typed(cast: Cast, typed: int | None) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    with pytest.raises(CannotConfirm) as cannot:
        confirm(cast.ada, draft, typed_count=typed)
    assert [(problem.code, problem.remedy) for problem in cannot.value.problems] == [
        ("wrong-number", "Type 2, the number of users, to confirm.")
    ]
    assert_not_started(draft)


def test_a_single_transfer_needs_no_number(cast: Cast) -> None:
    assert confirm(cast.otto, single(cast.otto, cast.ana, cast.bo), typed_count=None).state == State.QUEUED


def test_a_discarded_draft(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    answer = shown(draft, cast.otto)
    actions.discard(by=cast.otto, transfer=draft)
    with pytest.raises(CannotConfirm, match="was discarded"):
        confirm(cast.otto, draft, **answer)


def test_another_bulk_of_the_tenant(cast: Cast) -> None:
    draft = upload(cast.ada, (cast.ana, cast.bo))
    transfer(cast.vera, (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    assert refused(cast.ada, draft) == ["bulk-running"]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.STOPPED])
def test_an_ended_bulk_does_not_block_the_next(cast: Cast, state: State) -> None:
    transfer(cast.vera, (cast.cy, cast.di), kind=Kind.BULK, state=state)
    assert confirm(cast.ada, upload(cast.ada, (cast.ana, cast.bo))).state == State.QUEUED


def test_other_tenants_bulks_and_single_transfers_do_not_block_a_bulk(cast: Cast) -> None:
    transfer(cast.frida, (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    confirm(cast.otto, single(cast.otto, cast.cy, cast.di))
    assert confirm(cast.ada, upload(cast.ada, (cast.ana, cast.bo))).state == State.QUEUED


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_user_who_is_busy_in_either_role(cast: Cast, role: str) -> None:
    Participant.objects.create(
        user=cast.ana, transfer=transfer(cast.ada, (cast.ana, cast.di), state=State.RUNNING)
    )
    pair = (cast.ana, cast.bo) if role == "source" else (cast.bo, cast.ana)
    assert refused(cast.otto, single(cast.otto, *pair)) == ["user-busy"]


# --- The plan has changed --------------------------------------------------------------------------------------------


def test_a_record_added_since_the_preview(cast: Cast) -> None:
    draft = single(cast.otto, cast.ana, cast.bo)
    answer = shown(draft, cast.otto)
    records.call(cast.ana)
    with pytest.raises(PlanChanged) as changed:
        confirm(cast.otto, draft, **answer)
    assert changed.value.plan.totals.source == 1
    assert_not_started(draft)
    (event,) = events(*CONFIRMATION_EVENTS)
    assert event.detail("reason") == "The preview is out of date: a number, a user or a warning has changed."
    assert confirm(cast.otto, draft, plan_hash=changed.value.plan.hash).state == State.QUEUED


def test_a_row_cleared_in_another_tab(cast: Cast) -> None:
    """The typed number is correct for the plan that was shown, so the error is about the plan, not the number."""
    draft = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    answer = shown(draft, cast.ada)
    actions.clear_row(by=cast.ada, transfer=draft, number=3)
    with pytest.raises(PlanChanged):
        confirm(cast.ada, draft, **answer)


# --- Chunks ----------------------------------------------------------------------------------------------------------


def sizes(weights: list[int]) -> list[list[int]]:
    pairs = [
        PlannedPair(n, n, -n, None, None, (), {"type": {"source": weight, "moved": weight}})
        for n, weight in enumerate(weights)
    ]
    chunks: dict[int, list[int]] = {}
    for chunk, pair in with_chunk(pairs):
        chunks.setdefault(chunk, []).append(pair.weight)
    assert list(chunks) == list(range(len(chunks)))
    return list(chunks.values())


def test_a_chunk_has_at_most_the_maximum_number_of_pairs() -> None:
    most = confirming.CHUNK_PAIRS
    assert [len(chunk) for chunk in sizes([0] * (2 * most + 50))] == [most, most, 50]


def test_a_chunk_has_fewer_pairs_when_they_have_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CHUNK_ROWS", 10)
    assert sizes([4, 6, 1, 9, 1]) == [[4, 6], [1, 9], [1]]


def test_a_huge_pair_has_a_chunk_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CHUNK_ROWS", 10)
    assert sizes([1, 500, 1, 1]) == [[1], [500], [1, 1]]
    assert sizes([500, 1]) == [[500], [1]]


# --- Queries ---------------------------------------------------------------------------------------------------------


def dragged(cast: Cast) -> Transfer:
    """Return a draft whose targets have IDs that rise by one."""
    sources, targets = ([agent(cast.support, f"{name}{n} X") for n in range(5)] for name in "ST")
    return upload(cast.ada, *zip(sources, targets, strict=True))


@pytest.mark.parametrize("ticked", [[], ["targets-in-order"]])
def test_a_suspicious_file_runs_only_if_the_warning_is_ticked(cast: Cast, ticked: list[str]) -> None:
    draft = dragged(cast)
    assert refused(cast.ada, draft, ticked=ticked) == ["not-ticked"]
    assert confirm(cast.ada, draft, ticked=["targets-counted-up"]).state == State.QUEUED


def test_a_suspicion_stays_while_rows_are_edited_and_changes_the_hash(cast: Cast) -> None:
    draft = dragged(cast)
    actions.swap_direction(by=cast.ada, transfer=draft)
    actions.clear_row(by=cast.ada, transfer=draft, number=4)
    plan = plan_of(Transfer.objects.get(pk=draft.pk), cast.ada)
    assert [warning.code for warning in plan.to_tick] == ["targets-counted-up"]
    assert plan.hash != replace(plan, problems=()).hash


def test_200_pairs_need_as_many_queries_as_5(cast: Cast) -> None:
    numbers = []
    for name, count in (("A", 5), ("B", 200)):
        made = [agent(cast.support, f"{name}{number} X") for number in range(2 * count)]
        draft = upload(cast.ada, *zip(made[:count], made[count:], strict=True))
        answer = shown(draft, cast.ada)
        with CaptureQueriesContext(connection) as captured:
            confirm(cast.ada, draft, **answer)
        numbers.append(len(captured))
        Transfer.objects.update(state=State.SUCCEEDED, finished_at="2026-01-01T00:00Z")
    assert numbers[0] == numbers[1]
