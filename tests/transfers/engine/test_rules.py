"""The effect of each rule on the records of a pair, for some of the product's data types."""

from collections import Counter

import pytest
from django.urls import reverse
from pytest_django.asserts import assertContains

from audit.models import AuditEvent
from records.quality.models import CCR, ContactGoalPerson, ContactGoalProgress, Evaluation
from records.workforce.models import AgentRealTimeState, AgentSchedule, ScheduleActivity
from tests.fixtures import records
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.journal import deleted_by
from tests.fixtures.running import confirm, run, run_bulk, run_single, upload
from transfers.management.report import impact_lines
from transfers.models import PairState, State, Transfer
from transfers.registry import by_key
from transfers.results.progress import impact_so_far

pytestmark = pytest.mark.django_db


def counts_of(transfer: Transfer, key: str) -> dict[str, int]:
    return transfer.pairs.get().counts.get(key, {})


def test_combine_without_a_key_moves_every_row_and_keeps_the_ids(cast: Cast) -> None:
    mine = [records.call(cast.ana) for _ in range(3)]
    theirs = [records.call(cast.bo) for _ in range(2)]
    bystander = records.call(cast.cy)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert transfer.state == State.SUCCEEDED
    assert set(CCR.objects.filter(agent=cast.bo)) == {*mine, *theirs}
    assert set(CCR.objects.filter(agent=cast.cy)) == {bystander}
    assert counts_of(transfer, "quality.ccr") == {"source": 3, "target": 2, "moved": 3}


def test_a_source_without_rows_succeeds_and_writes_none(cast: Cast) -> None:
    records.everything(cast.bo)
    before = records.snapshot()
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert transfer.state == State.SUCCEEDED
    assert records.snapshot() == before


def test_both_owner_columns_of_a_row_are_mapped(cast: Cast) -> None:
    s, t, x, ccr = cast.ana, cast.bo, cast.cy, records.call(cast.di)
    made = [records.evaluation(ccr, *users) for users in [(s, x), (x, s), (s, t), (s, s), (x, t)]]
    transfer = run_single(cast.ada, s, t)
    after = [
        (e.evaluator, e.approver)
        for e in Evaluation.objects.filter(pk__in=[m.pk for m in made]).order_by("pk")
    ]
    assert after == [(t, x), (x, t), (t, t), (t, t), (x, t)]
    expected = {"source": 4, "target": 2, "moved": 4, "same_user": 1}
    assert counts_of(transfer, "quality.evaluation") == expected


def test_evaluations_that_one_person_made_and_approved_are_shown(cast: Cast) -> None:
    """The same number stands in the preview, on the page of the result, on the command line and in the audit log."""
    records.evaluation(records.call(cast.di), cast.bo, cast.ana)
    client, words = signed_in(cast.ada), "1 self-approved after transfer"
    preview = client.get(reverse("transfers:single"), {"source": cast.ana.pk, "target": cast.bo.pk})
    assertContains(preview, words)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assertContains(client.get(reverse("transfers:transfer-detail", args=[transfer.number])), words)
    assert any(words in line for line in impact_lines(impact_so_far(transfer)))
    event = AuditEvent.objects.get(kind="pair-succeeded", transfer_number=transfer.number)
    assert event.details["counts"]["quality.evaluation"]["same_user"] == 1


def test_a_pair_that_would_put_one_person_in_two_roles_can_be_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview refuses such a pair, but the record may be written after it."""
    monkeypatch.setitem(by_key("quality.evaluation").__dict__, "self_edges", "refuse")
    confirmed = confirm(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di)), cast.ada)
    shared = records.evaluation(records.call(cast.eli), cast.bo, cast.ana)
    records.evaluation(records.call(cast.eli), cast.cy, cast.eli)
    refused, other = run(confirmed).pairs.order_by("row_number")
    assert (refused.state, refused.code, refused.data_type) == ("failed", "self-edge", "quality.evaluation")
    assert "1 record would have the Target User in two roles" in refused.reason
    assert other.state == "succeeded"
    shared.refresh_from_db()
    assert (shared.evaluator, shared.approver) == (cast.bo, cast.ana)


def test_a_row_of_two_pairs_counts_for_each_and_is_mapped_whole(cast: Cast) -> None:
    row = records.evaluation(records.call(cast.eli), cast.ana, cast.cy)
    transfer = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    row.refresh_from_db()
    assert (row.evaluator, row.approver) == (cast.bo, cast.di)
    counts = [pair.counts["quality.evaluation"] for pair in transfer.pairs.all()]
    assert counts == [{"source": 1, "moved": 1}, {"source": 1, "moved": 1}]


def test_keep_target_drops_only_the_rows_that_conflict(cast: Cast) -> None:
    for name in ("1", "2"):
        records.goal_person(cast.ana, name)
    kept = records.goal_person(cast.bo, "2")
    records.goal_person(cast.bo, "3")
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert sorted(p.goal.name for p in ContactGoalPerson.objects.filter(person=cast.bo)) == ["1", "2", "3"]
    assert ContactGoalPerson.objects.get(person=cast.bo, goal__name="2") == kept
    expected = {"source": 2, "target": 2, "moved": 1, "dropped": 1}
    assert counts_of(transfer, "quality.contactgoalperson") == expected
    [(entry, row)] = deleted_by(transfer)
    assert (entry.what, entry.table, row["person_id"]) == (
        "dropped",
        "quality_contactgoalperson",
        cast.ana.pk,
    )


def test_one_conflict_among_fifty_drops_one(cast: Cast) -> None:
    for number in range(50):
        records.goal_person(cast.ana, str(number))
    records.goal_person(cast.bo, "1")
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert counts_of(transfer, "quality.contactgoalperson")["moved"] == 49
    assert ContactGoalPerson.objects.filter(person=cast.bo).count() == 50


def test_sums_saturate_and_the_later_time_is_kept(cast: Cast) -> None:
    later = records.NOON.replace(year=2027)
    records.progress(cast.ana, 2147483548, at=later)
    records.progress(cast.bo, 5000)
    records.progress(cast.ana, 7, week=2)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    rows = ContactGoalProgress.objects.filter(person=cast.bo).order_by("period")
    assert [row.recorded for row in rows] == [2147483647, 7]
    assert rows[0].updated_at == later
    expected = {"source": 2, "target": 1, "moved": 1, "merged": 1}
    assert counts_of(transfer, "quality.contactgoalprogress") == expected
    assert [entry.what for entry, _ in deleted_by(transfer)] == ["merged"]


def test_overwrite_replaces_the_targets_rows_with_their_children(cast: Cast) -> None:
    for day in (1, 2):
        records.schedule(cast.ana, day, activities=3)
    for day in (2, 3):
        records.schedule(cast.bo, day, activities=2)
    records.schedule(cast.cy, 2)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert [s.date.day for s in AgentSchedule.objects.filter(user=cast.bo).order_by("date")] == [1, 2]
    assert ScheduleActivity.objects.filter(schedule__user=cast.bo).count() == 6
    assert ScheduleActivity.objects.filter(schedule__user=cast.cy).count() == 2
    expected = {"source": 2, "target": 2, "moved": 2, "replaced": 2, "children": 4, "replaced_children": 4}
    assert counts_of(transfer, "workforce.agentschedule") == expected
    assert Counter(entry.what for entry, _ in deleted_by(transfer)) == {"replaced": 2, "children": 4}


def test_overwrite_without_rows_of_the_source_leaves_the_targets(cast: Cast) -> None:
    records.schedule(cast.bo, 1)
    records.call(cast.ana)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert AgentSchedule.objects.filter(user=cast.bo).count() == 1
    assert counts_of(transfer, "workforce.agentschedule") == {"target": 1}


def test_running_again_changes_nothing(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo)
    run_single(cast.ada, cast.ana, cast.bo)
    after = records.snapshot()
    again = run_single(cast.ada, cast.ana, cast.bo)
    assert again.state == State.SUCCEEDED
    assert records.snapshot() == after


def test_a_type_with_one_row_per_user_is_overwritten(cast: Cast) -> None:
    records.real_time_state(cast.ana, "talking")
    records.real_time_state(cast.bo, "ready")
    run_single(cast.ada, cast.ana, cast.bo)
    assert AgentRealTimeState.objects.get().user == cast.bo
    assert AgentRealTimeState.objects.get().state == "talking"


def test_the_source_has_nothing_left_and_bystanders_are_untouched(cast: Cast) -> None:
    for user in (cast.ana, cast.bo, cast.cy):
        records.everything(user)
    before = records.owned_by(cast.cy)
    transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert transfer.pairs.get().state == PairState.SUCCEEDED
    assert records.owned_by(cast.ana) == {}
    assert records.owned_by(cast.cy) == before
