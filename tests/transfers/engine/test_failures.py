"""A pair that fails stores the reason and changes no records, and the other pairs are transferred."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.roles import as_owner
from tests.fixtures.running import confirm, run, run_bulk, run_single
from transfers import actions
from transfers.engine import batch, worker
from transfers.engine.compiler.plans import CompiledPlan
from transfers.models import JournalEntry, PairState, State, Transfer

pytestmark = pytest.mark.django_db


@contextmanager
def database_constraint(rule: str, table: str) -> Iterator[None]:
    """Add to the table a check constraint that no model declares."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # fires pending triggers, because a table that has any cannot be altered
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


def test_nine_of_ten_succeed_and_the_tenth_has_a_reason(cast: Cast) -> None:
    pairs = ten_pairs(cast)
    source, target = pairs[6]
    before = records.owned_by(source), records.owned_by(target)
    with database_constraint(f"user_id <> {target.pk}", "workforce_agentschedule"):
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
    assert not JournalEntry.objects.filter(pair_id=failed.pk).exists()
    assert AuditEvent.objects.get(kind="pair-failed").details["reason"] == failed.reason


def test_a_failed_pair_leaves_every_table_byte_identical(cast: Cast) -> None:
    records.everything(cast.ana)
    records.everything(cast.bo)
    with database_constraint(f"user_id <> {cast.bo.pk}", "workforce_agentrealtimestate"):
        before = records.snapshot()
        transfer = run_single(cast.ada, cast.ana, cast.bo)
    assert transfer.state == State.FAILED
    assert records.snapshot() == before
    assert JournalEntry.objects.count() == 0


def test_a_constraint_over_two_owner_columns_is_named(cast: Cast) -> None:
    records.evaluation(records.call(cast.cy), cast.ana, cast.bo)
    with database_constraint("approver_id <> evaluator_id", "quality_evaluation"):
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


def test_totals_are_verified_before_the_commit(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a step loses a row, the pair fails and nothing is committed."""
    records.everything(cast.ana)
    real = batch.run_plan

    def losing(plan: CompiledPlan, transfer: Transfer) -> None:
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


def test_a_row_that_a_trigger_did_not_let_move_is_noticed(cast: Cast) -> None:
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

    def forgetting(plan: CompiledPlan, transfer: Transfer) -> None:
        if plan.data_type.key != "quality.ccr":
            real(plan, transfer)

    monkeypatch.setattr(batch, "run_plan", forgetting)
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert (pair.code, pair.data_type) == ("numbers-do-not-add-up", "quality.ccr")


def test_a_retry_after_the_cause_is_gone_succeeds(cast: Cast) -> None:
    records.everything(cast.ana)
    with database_constraint(f"user_id <> {cast.bo.pk}", "workforce_agentschedule"):
        failed = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE workforce_agentschedule DROP CONSTRAINT house_rule")
    draft = actions.retry(by=cast.ada, transfer=failed)
    assert [(row.from_id, row.to_id) for row in draft.rows.all()] == [(cast.ana.pk, cast.bo.pk)]
    assert run(confirm(draft, cast.ada)).state == State.SUCCEEDED
    assert records.owned_by(cast.ana) == {}
