"""Records that arrive at the source after a transfer are counted, shown, and moved without replacing target records."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from audit.models import AuditEvent
from records.quality.models import CCR
from records.workforce.models import AgentSchedule, ScheduleActivity
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.journal import deleted_by
from tests.fixtures.running import confirm, run, run_bulk, run_single
from transfers import actions, tasks
from transfers.models import Kind, PairState, State, Transfer
from transfers.planning.plan import make_plan, plan_of
from transfers.results.late_arrivals import count_late, due, find_late
from transfers.validation import CandidateRow

pytestmark = pytest.mark.usefixtures("no_messages")

HTMX = {"HX-Request": "true"}


@pytest.fixture
def done(cast: Cast) -> Transfer:
    """A transfer from Ana to Bo, in which Ana's schedule for 2 March replaced Bo's schedule."""
    records.schedule(cast.ana, 2)
    records.schedule(cast.bo, 2)
    return run_single(cast.otto, cast.ana, cast.bo)


@pytest.fixture
def late(cast: Cast, done: Transfer) -> Transfer:
    """The transfer `done`, after another system has added a call and schedules for 2 and 3 March for Ana."""
    records.call(cast.ana)
    records.schedule(cast.ana, 2)
    records.schedule(cast.ana, 3)
    return done


def address(made: Transfer, name: str = "late-arrivals") -> str:
    return reverse(f"transfers:{name}", args=[made.number])


def part(client: Client, made: Transfer, **headers: str) -> str:
    response = client.get(address(made), headers=HTMX | headers)
    assert response.status_code == 200
    return response.content.decode()


def page(client: Client, made: Transfer) -> str:
    return one_line(client.get(address(made, "transfer-detail")).content.decode())


# --- Counting --------------------------------------------------------------------------------------------------------


def test_nothing_arrived(cast: Cast, done: Transfer) -> None:
    assert count_late(done.pk) == {}
    body = page(signed_in(cast.otto), done)
    assert "None. No records have been added for the Source User since the transfer." in body
    assert "Move late arrivals" not in body


def test_late_arrivals_are_counted_by_type(cast: Cast, late: Transfer) -> None:
    assert count_late(late.pk) == {"quality.ccr": 1, "workforce.agentschedule": 2}
    body = page(signed_in(cast.otto), late)
    assert "3 records were added for the Source User </strong>" in body
    assert "<li>CCRs: 1</li><li>Agent Schedules: 2</li>" in body
    assert "Move late arrivals" in body


def test_every_data_type_is_counted(cast: Cast) -> None:
    done = run_single(cast.ada, cast.ana, cast.bo)
    records.everything(cast.ana, 2)
    owned = records.owned_by(cast.ana)
    owned.pop("User profile", None)
    assert sum(count_late(done.pk).values()) == sum(owned.values())


def test_a_pair_that_failed_has_no_late_arrivals(cast: Cast, late: Transfer) -> None:
    late.pairs.update(state=PairState.FAILED, code="constraint", reason="A rule.")
    assert find_late(late) == {}


@pytest.mark.parametrize("as_source", [True, False])
@pytest.mark.parametrize("set_back", [False, True])
def test_a_later_transfer_of_the_source_takes_them_over(
    cast: Cast, late: Transfer, as_source: bool, set_back: bool
) -> None:
    """A user's new records are late arrivals of the user's last transfer, but only if the user was its source."""
    later = run_single(cast.otto, *((cast.ana, cast.cy) if as_source else (cast.cy, cast.ana)))
    if set_back:  # as if the server's clock had been set back between the two transfers
        later.pairs.update(finished_at=F("finished_at") - timedelta(days=1))
    records.call(cast.ana)
    assert find_late(late) == {}
    assert len(find_late(later)) == (1 if as_source else 0)


@pytest.mark.parametrize("as_source", [True, False])
def test_a_draft_made_before_a_later_transfer_is_refused(cast: Cast, late: Transfer, as_source: bool) -> None:
    """After another transfer from or to the source user, the first transfer no longer has late arrivals."""
    draft = actions.move_late_arrivals(by=cast.otto, transfer=late)
    assert plan_of(draft, cast.otto).ready
    prepared = plan_of(draft, cast.otto).hash
    run_single(cast.otto, *((cast.ana, cast.cy) if as_source else (cast.cy, cast.ana)))
    (problem,) = plan_of(draft, cast.otto).errors
    assert (problem.code, str(cast.ana.pk) in problem.sentence) == ("in-later-transfer", True)
    with pytest.raises(actions.CannotConfirm):
        actions.confirm(by=cast.otto, transfer=draft, plan_hash=prepared, typed_count=1)


def test_late_arrivals_follow_the_direction_of_their_transfer(cast: Cast, late: Transfer) -> None:
    """Late arrivals cannot be moved to another target, nor from the target to the source."""

    def error_codes(source: User, target: User) -> set[str]:
        plan = make_plan(cast.otto, [CandidateRow(2, source.pk, target.pk)], keep_target=True)
        return {problem.code for problem in plan.errors}

    assert error_codes(cast.ana, cast.bo) == set()
    assert error_codes(cast.ana, cast.cy) == error_codes(cast.bo, cast.ana) == {"in-later-transfer"}


def test_late_arrivals_can_be_moved_repeatedly(cast: Cast, late: Transfer) -> None:
    for _ in range(2):
        moved = run(confirm(actions.move_late_arrivals(by=cast.otto, transfer=late), cast.otto))
        assert moved.state == State.SUCCEEDED
        records.call(cast.ana)
        late = moved


def test_counting_20_pairs_needs_as_many_queries_as_1(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(40)]
    made = transfer(cast.ada, *zip(users[:20], users[20:], strict=True))
    with django_assert_max_num_queries(25) as few:
        count_late(transfer(cast.ada, (cast.ana, cast.bo)).pk)
    for user in users:
        records.call(user)
    with django_assert_max_num_queries(len(few)):
        assert count_late(made.pk) == {"quality.ccr": 20}


def test_which_transfers_are_due(cast: Cast, settings: Settings) -> None:
    now = timezone.now()
    never, lately, before, old = (transfer(cast.ada, (cast.ana, cast.bo)) for _ in range(4))
    transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING)
    Transfer.objects.filter(pk=lately.pk).update(late_counted_at=now)
    Transfer.objects.filter(pk=before.pk).update(late_counted_at=now - timedelta(hours=1))
    Transfer.objects.filter(pk=old.pk).update(finished_at=now - timedelta(days=8))
    assert due(9) == [never.pk, before.pk]
    tasks.look_for_late_arrivals()
    assert due(9) == []


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_page_loads_the_count_separately(
    cast: Cast, late: Transfer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(cast.otto)
    assert 'hx-trigger="load"' in page(client, late)
    looked = part(client, late)
    assert "3 records" in looked
    assert "hx-trigger" not in looked
    assert "hx-trigger" not in page(client, late)


def test_a_worker_counts_many_pairs_and_the_page_waits(
    cast: Cast, late: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr("transfers.views.late_arrivals.FEW_PAIRS", 0)
    monkeypatch.setattr("transfers.tasks.count_late_arrivals.delay", queued.append)
    client = signed_in(cast.otto)
    for waited in range(3):
        waiting = part(client, late, **{"Times-Waited": str(waited)})
        assert f'"Times-Waited": "{waited + 1}"' in waiting
        assert "load delay:2s" in waiting
    assert queued == [late.pk]
    assert "3 records" in part(client, late, **{"Times-Waited": "3"})


def test_the_page_stops_waiting_once_a_worker_has_counted(
    cast: Cast, late: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transfers.views.late_arrivals.FEW_PAIRS", 0)
    monkeypatch.setattr("transfers.tasks.count_late_arrivals.delay", lambda transfer_id: None)
    client = signed_in(cast.otto)
    part(client, late)
    tasks.count_late_arrivals(late.pk)
    assert "hx-trigger" not in part(client, late, **{"Times-Waited": "1"})


def test_without_scripts_the_link_counts(cast: Cast, late: Transfer) -> None:
    client = signed_in(cast.otto)
    assert address(late) in page(client, late)
    assert client.get(address(late)).headers["Location"] == address(late, "transfer-detail")
    assert "3 records" in page(client, late)


@pytest.mark.parametrize("state", [State.RUNNING, State.QUEUED])
def test_a_running_transfer_has_no_late_arrivals(cast: Cast, state: State) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=state)
    records.call(cast.ana)
    assert signed_in(cast.ada).get(address(made), headers=HTMX).status_code == 302
    assert actions.move_late_arrivals(by=cast.ada, transfer=made) == made


def test_other_tenants_and_people_without_the_permission(cast: Cast, late: Transfer) -> None:
    answers = {
        person: (
            signed_in(who).get(address(late)).status_code,
            signed_in(who).post(address(late)).status_code,
        )
        for person, who in {"vera": cast.vera, "frida": cast.frida, "nina": cast.nina}.items()
    }
    assert answers == {"vera": (302, 403), "frida": (404, 404), "nina": (403, 403)}
    assert "Move late arrivals" not in page(signed_in(cast.vera), late)


def test_the_requester_sees_them_while_the_users_are_in_view(cast: Cast, late: Transfer) -> None:
    """If a user leaves the view, the requester can still open the transfer but no longer sees its late arrivals."""
    count_late(late.pk)
    otto = signed_in(cast.otto)
    assert "3 records were added for the Source User </strong>" in page(otto, late)
    cast.bo.team = cast.sales
    cast.bo.save()
    body = page(otto, late)
    assert cast.bo.name in body
    assert "Late arrivals" not in body
    assert otto.get(address(late), headers=HTMX).status_code == 302
    assert otto.post(address(late)).headers["Location"] == address(late, "transfer-detail")
    assert not Transfer.objects.filter(keeps_target=True).exists()


# --- Moving ----------------------------------------------------------------------------------------------------------


def moved(cast: Cast, made: Transfer) -> Transfer:
    draft = actions.move_late_arrivals(by=made.requested_by, transfer=made, address="192.0.2.7")
    return run(confirm(draft, made.requested_by))


def test_they_reach_the_target_and_nothing_is_overwritten(cast: Cast, late: Transfer) -> None:
    """The call and the schedule for 3 March move. Ana's for 2 March is dropped because Bo has one for that day."""
    before = set(AgentSchedule.objects.filter(user=cast.bo).values_list("pk", flat=True))
    activities = ScheduleActivity.objects.filter(schedule__user=cast.bo).count()
    made = moved(cast, late)
    assert made.state == State.SUCCEEDED
    after = AgentSchedule.objects.filter(user=cast.bo)
    assert before < set(after.values_list("pk", flat=True))
    assert sorted(schedule.date.day for schedule in after) == [2, 3]
    assert CCR.objects.filter(agent=cast.bo).count() == 1
    assert ScheduleActivity.objects.filter(schedule__user=cast.bo).count() == activities + 2
    assert records.owned_by(cast.ana) == {}
    assert sorted({(entry.table, entry.what) for entry, _ in deleted_by(made)}) == [
        ("workforce_agentschedule", "dropped"),
        ("workforce_scheduleactivity", "children"),
    ]
    assert find_late(late) == find_late(made) == {}


def test_an_ordinary_transfer_of_the_same_records_overwrites(cast: Cast, late: Transfer) -> None:
    made = run_single(cast.otto, cast.ana, cast.bo)
    assert "replaced" in {entry.what for entry, _ in deleted_by(made)}


def test_the_draft_has_only_pairs_with_late_arrivals(cast: Cast) -> None:
    made = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    records.call(cast.cy)
    draft = actions.move_late_arrivals(by=cast.ada, transfer=made)
    assert [(row.number, row.from_id, row.to_id) for row in draft.rows.all()] == [(3, cast.cy.pk, cast.di.pk)]
    assert (draft.kind, draft.keeps_target, draft.state) == (Kind.BULK, True, State.DRAFT)
    event = AuditEvent.objects.get(kind="late-arrivals-prepared")
    assert (event.transfer_number, event.details) == (draft.number, {"pairs": 1, "of_transfer": made.number})


def test_the_preview_predicts_the_result(cast: Cast, late: Transfer) -> None:
    draft = actions.move_late_arrivals(by=cast.otto, transfer=late)
    plan = plan_of(draft, cast.otto)
    assert plan.totals.deleted == 0
    # No warning says that the pair was transferred before, because this is true of all late arrivals.
    assert [problem.code for problem in plan.warnings] == ["active-source"]
    assert {line.data_type.rule.word for line in plan.totals.lines} == {"Combined"}
    made = run(confirm(draft, cast.otto))
    assert made.pairs.get().counts == plan.pairs[0].counts


def test_the_confirmation_says_that_nothing_is_overwritten(cast: Cast, late: Transfer) -> None:
    client = signed_in(cast.otto)
    prepared = client.post(address(late))
    body = one_line(client.get(prepared.headers["Location"]).content.decode())
    assert "The Target User's records are not overwritten." in body
    assert address(late, "transfer-detail") in body  # the link of the Cancel button


def test_preparing_twice_makes_one_draft(cast: Cast, late: Transfer) -> None:
    client = signed_in(cast.otto)
    assert client.post(address(late)).headers["Location"] == client.post(address(late)).headers["Location"]
    assert Transfer.objects.filter(state=State.DRAFT).count() == 1


def test_without_late_arrivals_it_returns_to_the_page(cast: Cast, done: Transfer) -> None:
    response = signed_in(cast.otto).post(address(done))
    assert response.headers["Location"] == address(done, "transfer-detail")
    assert not Transfer.objects.filter(state=State.DRAFT).exists()


def test_the_form_for_one_pair_does_not_reuse_the_draft(cast: Cast, late: Transfer) -> None:
    """If the form reused the draft of late arrivals, its transfer would not overwrite the target's records."""
    prepared = actions.move_late_arrivals(by=cast.otto, transfer=late)
    ordinary = actions.start_single(by=cast.otto, source_id=cast.ana.pk, target_id=cast.bo.pk)
    assert ordinary != prepared
    assert not ordinary.keeps_target


def test_a_retry_of_late_arrivals_still_overwrites_nothing(cast: Cast, late: Transfer) -> None:
    made = moved(cast, late)
    made.pairs.update(state=PairState.FAILED, code="constraint", reason="A rule.")
    assert actions.retry(by=cast.otto, transfer=made).keeps_target
    client = signed_in(cast.otto)
    assert client.get(address(made, "transfer-retry-file")).status_code == 404


def test_the_preview_names_the_transfer_they_belong_to(cast: Cast) -> None:
    made = run_bulk(cast.ada, (cast.ana, cast.bo))
    records.call(cast.ana)
    client = signed_in(cast.ada)
    body = client.get(client.post(address(made)).headers["Location"]).content.decode()
    assert f"Late arrivals of transfer {made.number}" in body
    assert "Retry" not in body
