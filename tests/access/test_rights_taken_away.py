"""Access lost after the preview, after the confirmation, or between two chunks of a transfer.

The next step of the single or bulk transfer is then refused and changes nothing.
"""

from collections.abc import Callable, Sequence

import pytest
from django.urls import reverse

from accounts.models import AccessView, RoleAssignment, User
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.running import confirm, run, upload
from transfers import actions
from transfers.actions import confirming
from transfers.engine import worker
from transfers.models import PairState, State, Transfer, TransferPair
from transfers.planning.plan import plan_of

pytestmark = pytest.mark.django_db


def role_removed(cast: Cast) -> None:
    RoleAssignment.objects.filter(user=cast.otto).delete()


def view_deactivated(cast: Cast) -> None:
    AccessView.objects.filter(name="Support only").update(is_active=False)


def view_unassigned(cast: Cast) -> None:
    cast.otto.access_view_assignments.all().delete()


def person_deactivated(cast: Cast) -> None:
    User.objects.filter(pk=cast.otto.pk).update(is_active=False)


def users_moved_to_another_team(cast: Cast) -> None:
    User.objects.filter(pk__in=[cast.bo.pk, cast.di.pk]).update(team=cast.sales)


def users_became_tenant_administrators(cast: Cast) -> None:
    role = cast.abacus.roles.create(name="Boss", permissions=["administer_tenant"])
    for user in (cast.bo, cast.di):
        RoleAssignment.objects.create(role=role, user=user)


# (change, HTTP status of a confirmation after the change, failure code of pairs that were confirmed before the change)
CHANGES: list[tuple[Callable[[Cast], None], int, str]] = [
    (role_removed, 403, "person-may-not"),
    (view_deactivated, 200, "changed-after-confirmation"),
    (view_unassigned, 200, "changed-after-confirmation"),
    (person_deactivated, 302, "person-may-not"),
    (users_moved_to_another_team, 200, "changed-after-confirmation"),
    (users_became_tenant_administrators, 200, "changed-after-confirmation"),
]
every_change = pytest.mark.parametrize(
    ("change", "status", "code"), CHANGES, ids=[change.__name__ for change, *_ in CHANGES]
)


@pytest.fixture
def cast(cast: Cast, no_messages: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """The cast, with Otto allowed to run single and bulk transfers in the team Support, and with one pair per chunk."""
    cast.otto.roles.add(cast.ada.roles.get())
    for user in (cast.ana, cast.bo, cast.cy, cast.di):
        records.everything(user, 1)
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", 1)
    return cast


def draft_of(cast: Cast, kind: str) -> Transfer:
    if kind == "single":
        return actions.start_single(by=cast.otto, source_id=cast.ana.pk, target_id=cast.bo.pk)
    return upload(cast.otto, (cast.ana, cast.bo), (cast.cy, cast.di))


def codes(transfer: Transfer) -> list[tuple[str, str]]:
    return list(TransferPair.objects.filter(transfer=transfer).order_by("pk").values_list("state", "code"))


@every_change
@pytest.mark.parametrize("kind", ["single", "bulk"])
def test_between_the_preview_and_the_confirmation(
    cast: Cast, kind: str, change: Callable[[Cast], None], status: int, code: str
) -> None:
    draft = draft_of(cast, kind)
    plan = plan_of(draft, cast.otto)
    client = signed_in(cast.otto)
    change(cast)
    before = records.snapshot()

    answer = client.post(
        reverse("transfers:transfer-confirmation", args=[draft.number]),
        {"plan_hash": plan.hash, "checked": "on", "typed_count": len(plan.pairs)},
    )

    assert answer.status_code == status
    if status == 302:
        assert reverse("accounts:sign-in") in answer["Location"]
    draft.refresh_from_db()
    assert draft.state == State.DRAFT
    assert codes(draft) == []
    assert records.snapshot() == before


@every_change
@pytest.mark.parametrize("kind", ["single", "bulk"])
def test_between_the_confirmation_and_the_first_chunk(
    cast: Cast, kind: str, change: Callable[[Cast], None], status: int, code: str
) -> None:
    transfer = confirm(draft_of(cast, kind), cast.otto)
    change(cast)
    before = records.snapshot()

    assert run(transfer).state == State.FAILED

    assert codes(transfer) == [(PairState.FAILED, code)] * (1 if kind == "single" else 2)
    assert records.snapshot() == before


@every_change
def test_between_two_chunks(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, change: Callable[[Cast], None], status: int, code: str
) -> None:
    """The first chunk stays transferred; the next one is refused."""
    transfer = confirm(draft_of(cast, "bulk"), cast.otto)
    assert list(transfer.pairs.order_by("pk").values_list("chunk", flat=True)) == [0, 1]
    run_batch, between = worker.run_batch, []

    def then_change(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        run_batch(transfer, pair_ids)
        if not between:
            between.append((records.owned_by(cast.cy), records.owned_by(cast.di)))
            change(cast)

    monkeypatch.setattr(worker, "run_batch", then_change)
    assert run(transfer).state == State.FINISHED_WITH_ERRORS

    assert codes(transfer) == [(PairState.SUCCEEDED, ""), (PairState.FAILED, code)]
    assert [(records.owned_by(cast.cy), records.owned_by(cast.di))] == between
    assert not records.owned_by(cast.ana)
