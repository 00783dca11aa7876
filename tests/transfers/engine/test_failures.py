"""A pair that fails stands alone, says why, and has changed nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import User
from tests.roles import as_owner
from tests.transfers import records
from tests.transfers.cast import Cast, agent
from tests.transfers.running import confirm, run, run_bulk, run_single
from transfers import actions
from transfers.engine import batch, worker
from transfers.engine.compile import Plan
from transfers.models import AuditEvent, DiscardedRow, PairState, State, Transfer

pytestmark = pytest.mark.django_db


@contextmanager
def only_the_database_knows(rule: str, table: str) -> Iterator[None]:
    """A constraint that no model knows of."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with waiting triggers cannot be altered
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT house_rule CHECK ({rule}) NOT VALID")
    yield


KEEP_BACK = """
CREATE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep_back BEFORE UPDATE ON workforce_agentschedule FOR EACH ROW EXECUTE FUNCTION keep_back();
"""


def ten_pairs(cast: Cast) -> list[tuple[User, User]]:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(20)]
    for user in users:
        records.everything(user, 1)
    return list(zip(users[:10], users[10:], strict=True))


def test_nine_of_ten_succeed_and_the_tenth_says_why(cast: Cast) -> None:
    pairs = ten_pairs(cast)
    source, target = pairs[6]
    before = records.owned_by(source), records.owned_by(target)
    with only_the_database_knows(f"user_id <> {target.pk}", "workforce_agentschedule"):
        transfer = run_bulk(cast.ada, *pairs)
    assert transfer.state == State.FINISHED_WITH_ERRORS
    failed = transfer.pairs.get(state=PairState.FAILED)
    assert (failed.source, failed.target, failed.row_number) == (source, target, 8)
    assert failed.code == "constraint"
    assert "Agent Schedules" in failed.reason
    assert "workforce_agentschedule" in failed.reason
    assert "house_rule" in failed.reason
    assert failed.remedy
    assert transfer.pairs.filter(state=PairState.SUCCEEDED).count() == 9
    assert (records.owned_by(source), records.owned_by(target)) == before
    assert not DiscardedRow.objects.filter(pair_id=failed.pk).exists()
    assert AuditEvent.objects.get(kind="pair-failed").details["reason"] == failed.reason


def test_a_failed_pair_leaves_every_table_byte_identical(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo)
    with only_the_database_knows(f"user_id <> {cast.bo.pk}", "workforce_agentrealtimestate"):
        before = records.snapshot()
        transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert transfer.state == State.FAILED
    assert records.snapshot() == before
    assert DiscardedRow.objects.count() == 0


def test_a_constraint_that_two_owner_columns_break_names_itself(cast: Cast) -> None:
    records.evaluation(records.call(cast.cy), cast.ana, cast.bo)
    with only_the_database_knows("approver_id <> evaluator_id", "quality_evaluation"):
        before = records.snapshot()
        pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert (pair.state, pair.code) == (PairState.FAILED, "constraint")
    assert "quality_evaluation" in pair.reason
    assert records.snapshot() == before


def test_halving_does_not_repeat_finished_work(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = ten_pairs(cast)
    poison = pairs[3][0].pk
    done: list[int] = []
    real = batch.record_success

    def counting(transfer: Transfer) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT source FROM transfer_stage")
            sources = [row[0] for row in cursor.fetchall()]
        if poison in sources:
            raise ZeroDivisionError
        real(transfer)
        done.extend(sources)

    monkeypatch.setattr(batch, "record_success", counting)
    monkeypatch.setattr(worker, "PAUSE", 0)
    transfer = run_bulk(cast.ada, *pairs)
    assert sorted(done) == sorted(source.pk for source, _ in pairs if source.pk != poison)
    failed = transfer.pairs.get(state=PairState.FAILED)
    assert (failed.code, failed.attempts) == ("unexpected-error", worker.MAX_ATTEMPTS)


def test_the_numbers_are_controlled_before_the_commit(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the engine on purpose: a step that loses a row must not be committed."""
    records.everything(cast.ana)
    real = batch.run_plan

    def losing(plan: Plan, transfer: Transfer) -> None:
        real(plan, transfer)
        if plan.data_type.key == "quality.contactgoalprogress":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM quality_contactgoalprogress")

    monkeypatch.setattr(batch, "run_plan", losing)
    before = records.snapshot()
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert pair.code == "numbers-do-not-add-up"
    assert pair.data_type == "quality.contactgoalprogress"
    assert records.snapshot() == before


def test_a_trigger_that_keeps_a_row_back_is_noticed(cast: Cast) -> None:
    """A row that was counted and then not moved, whoever prevented it."""
    records.everything(cast.ana)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(KEEP_BACK)
    before = records.snapshot()
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert (pair.code, pair.data_type) == ("numbers-do-not-add-up", "workforce.agentschedule")
    assert records.snapshot() == before


def test_a_row_left_with_the_source_is_noticed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    records.everything(cast.ana)
    real = batch.run_plan

    def forgetting(plan: Plan, transfer: Transfer) -> None:
        if plan.data_type.key != "quality.ccr":
            real(plan, transfer)

    monkeypatch.setattr(batch, "run_plan", forgetting)
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert (pair.code, pair.data_type) == ("numbers-do-not-add-up", "quality.ccr")


def test_a_retry_after_the_cause_is_gone_succeeds(cast: Cast) -> None:
    records.everything(cast.ana)
    with only_the_database_knows(f"user_id <> {cast.bo.pk}", "workforce_agentschedule"):
        failed = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE workforce_agentschedule DROP CONSTRAINT house_rule")
    draft = actions.retry(by=cast.ada, transfer=failed)
    assert [(row.from_id, row.to_id) for row in draft.rows.all()] == [(cast.ana.pk, cast.bo.pk)]
    assert run(confirm(draft, cast.ada)).state == State.SUCCEEDED
    assert records.owned_by(cast.ana) == {}
