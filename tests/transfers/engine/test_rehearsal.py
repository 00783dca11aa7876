"""A rehearsal finds what the run of the same draft would find, and leaves the database as it was, byte for byte."""

import psycopg
import pytest
from django.db import connection, transaction

from accounts.models import User
from audit.models import AuditEvent
from tests.conftest import reachable_test_database
from tests.fixtures import cast as transfers
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.rehearsing import rehearse, report_of, whole_database, work
from tests.fixtures.roles import as_owner
from tests.fixtures.running import confirm, run, upload
from transfer_site.run.embedded import APPLICATION
from transfers import actions, tasks
from transfers.actions import confirming
from transfers.engine.locks import REHEARSING, TURNS, chunk_lock, lock_name
from transfers.models import PairState, Participant, Rehearsal, State, Transfer, TransferPair
from transfers.rehearsal import trial, worker
from transfers.rehearsal.report import add
from transfers.rehearsal.worker import work_on_rehearsal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]

TABLE = "workforce_agentschedule"
# Fires at the end of the transaction, if nothing checks it before.
LATE_TRIGGER = """
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER watch_trigger AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION watch();
"""


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    """Four pairs, of which three have records of all data types."""
    eve, flo, gus = (agent(cast.sales, name) for name in ("Eve Young", "Flo Old", "Gus Bee"))
    for user in (cast.bo, cast.cy, cast.di, eve):
        records.everything(user, 1)
    records.everything(cast.ana, 2)
    return upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (eve, flo), (cast.eli, gus))


@pytest.fixture
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", 2)


def alter(statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statements)


def source_of(draft: Transfer, row: int) -> User:
    return User.objects.get(pk=draft.rows.get(number=row).from_id)


# --- Numbers ---------------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_preview_and_of_the_run(draft: Transfer, chunks_of_two: None) -> None:
    before = whole_database()
    report = rehearse(draft)
    assert whole_database() == before
    assert (sorted(report.done), report.failures, report.differing) == ([2, 3, 4, 5], {}, [])
    assert report.counts == report.planned
    assert [(chunk["chunk"], chunk["pairs"]) for chunk in report.chunks] == [(0, 2), (1, 2)]
    assert report.seconds > 0

    done = run(confirm(draft, draft.requested_by))
    assert done.state == State.SUCCEEDED
    total: dict[str, dict[str, int]] = {}
    for pair in done.pairs.all():
        add(total, pair.counts)
    assert report.counts == total
    assert whole_database() != before


def test_only_events_of_the_rehearsal_are_in_the_audit_log(draft: Transfer) -> None:
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    rehearse(draft)
    events = AuditEvent.objects.exclude(pk__in=known).order_by("pk")
    assert [event.kind for event in events] == ["rehearsal-started", "rehearsal-finished"]
    started, finished = events
    assert (started.actor_id, started.transfer_number) == (draft.requested_by_id, draft.number)
    assert finished.details == {"succeeded": 4, "failed": 0, "not_tried": 0}


def test_records_that_were_added_since_the_preview_are_named_by_row(draft: Transfer) -> None:
    records.call(source_of(draft, 3))
    report = rehearse(draft)
    assert (report.failures, report.differing) == ({}, [3])


def test_locks_are_reported_by_table(draft: Transfer) -> None:
    report = rehearse(draft)
    mode, seconds = report.locks[TABLE]
    assert (mode, seconds > 0) == ("RowExclusiveLock", True)
    assert "accounts_user" in report.locks
    assert not any(table.startswith(("transfers_", "audit_", "transfer_")) for table in report.locks)


def test_late_arrivals_are_rehearsed_without_overwriting(cast: Cast) -> None:
    records.everything(cast.ana, 1)
    records.everything(cast.bo, 1)
    first = run(confirm(upload(cast.ada, (cast.ana, cast.bo)), cast.ada))
    records.call(cast.ana)
    records.goal(cast.ana, "Goal")
    draft = actions.move_late_arrivals(by=cast.ada, transfer=first)
    before = whole_database()
    report = rehearse(draft)
    assert (report.done, report.failures, report.differing) == ([2], {}, [])
    assert not any(numbers.get("replaced") for numbers in report.counts.values())
    assert whole_database() == before


# --- What would fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "code", "named"),
    [
        pytest.param(
            f"ALTER TABLE {TABLE} ADD CONSTRAINT frozen CHECK (user_id <> {{target}}) NOT VALID",
            "constraint",
            "constraint frozen",
            id="a constraint",
        ),
        pytest.param(
            LATE_TRIGGER.format(
                table=TABLE, body="IF NEW.user_id = {target} THEN RAISE 'year is closed'; END IF;"
            ),
            "database-error",
            "“year is closed”",
            id="a deferred trigger",
        ),
        pytest.param(
            LATE_TRIGGER.format(
                table="quality_evaluation",
                body="IF NEW.evaluator_id = {target} THEN RAISE 'quarter is closed'; END IF;",
            ),
            "database-error",
            "“quarter is closed”",
            id="a deferred trigger of records of two users, which are moved last",
        ),
        pytest.param(
            "CREATE TABLE locked (user_id bigint REFERENCES accounts_user DEFERRABLE INITIALLY DEFERRED);"
            f" GRANT ALL ON locked TO {APPLICATION};"
            + LATE_TRIGGER.format(
                table=TABLE,
                body="IF NEW.user_id = {target} THEN INSERT INTO locked VALUES (-1); END IF;",
            ),
            "constraint",
            "locked",
            id="a deferred foreign key",
        ),
    ],
)
def test_only_the_pair_that_would_fail_is_named(
    draft: Transfer, chunks_of_two: None, statements: str, code: str, named: str
) -> None:
    alter(statements.replace("{target}", str(draft.rows.get(number=3).to_id)))
    before = whole_database()
    report = rehearse(draft)
    assert whole_database() == before
    assert sorted(report.done) == [2, 3, 4, 5]
    assert list(report.failures) == [3]
    assert report.failures[3].code == code
    assert named in report.failures[3].reason

    failed = run(confirm(draft, draft.requested_by)).pairs.get(state=PairState.FAILED)
    assert (failed.row_number, failed.code, failed.reason, failed.remedy) == (
        3,
        report.failures[3].code,
        report.failures[3].reason,
        report.failures[3].remedy,
    )


def test_a_missing_right_is_named_for_all_pairs(draft: Transfer) -> None:
    alter(f"REVOKE UPDATE ON {TABLE} FROM {APPLICATION}")
    before = whole_database()
    report = rehearse(draft)
    alter(f"GRANT UPDATE ON {TABLE} TO {APPLICATION}")
    assert whole_database() == before
    assert sorted(report.failures) == [2, 3, 4, 5]
    assert {failure.code for failure in report.failures.values()} == {"database-error"}
    assert all(
        f"permission denied for table {TABLE}" in failure.reason for failure in report.failures.values()
    )


def test_a_user_who_was_deactivated_meanwhile_is_named(draft: Transfer, cast: Cast) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    User.objects.filter(pk=cast.di.pk).update(is_active=False)
    work(rehearsal)
    failure = report_of(rehearsal).failures[3]
    assert failure.reason.startswith("Changed since the rehearsal began: ")
    assert "inactive" in failure.reason


def test_a_person_who_may_not_run_it_any_more_gets_no_pair_rehearsed(draft: Transfer, cast: Cast) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    cast.ada.role_assignments.all().delete()
    work(rehearsal)
    assert {failure.code for failure in report_of(rehearsal).failures.values()} == {"person-may-not"}


# --- Beside others ---------------------------------------------------------------------------------------------------


def test_users_do_not_become_busy(draft: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = trial.run_batch

    def look(transfer: Transfer, pair_ids: list[int]) -> None:
        real(transfer, pair_ids)
        seen.append(Participant.objects.count())

    monkeypatch.setattr(trial, "run_batch", look)
    rehearse(draft)
    assert seen == [0]


def test_it_waits_until_an_open_transfer_of_the_tenant_has_ended(
    draft: Transfer, cast: Cast, chunks_of_two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transfer starts during the first chunk."""
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    opened: list[Transfer] = []
    real = worker.rehearse_pairs

    def open_another(*args: object) -> object:
        found = real(*args)
        if not opened:
            opened.append(transfers.transfer(cast.ada, (cast.vera, cast.nina), state=State.RUNNING))
        return found

    monkeypatch.setattr(worker, "rehearse_pairs", open_another)
    assert not work_on_rehearsal(rehearsal.pk, seconds=60)
    assert report_of(rehearsal).done == [2, 3]
    assert worker.waiting_rehearsals() == []
    assert not work_on_rehearsal(rehearsal.pk, seconds=60)
    assert report_of(rehearsal).done == [2, 3]
    Transfer.objects.filter(pk=opened[0].pk).update(state=State.SUCCEEDED, finished_at=opened[0].started_at)
    assert worker.waiting_rehearsals() == [rehearsal.pk]
    work(rehearsal)
    assert report_of(rehearsal).done == [2, 3, 4, 5]


def test_the_draft_cannot_be_confirmed_while_it_is_rehearsed(draft: Transfer, cast: Cast) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    with pytest.raises(actions.CannotConfirm, match="is being rehearsed"):
        confirm(draft, cast.ada)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT
    work(rehearsal)
    assert confirm(draft, cast.ada).state == State.QUEUED


def test_a_confirmed_or_discarded_draft_cannot_be_rehearsed(draft: Transfer, cast: Cast) -> None:
    other = upload(cast.ada, (cast.vera, cast.nina))
    actions.discard(by=cast.ada, transfer=other)
    confirm(draft, cast.ada)
    for made, said in ((draft, "already confirmed"), (other, "was discarded")):
        with pytest.raises(actions.CannotConfirm, match=said):
            actions.rehearse(by=cast.ada, transfer=made)
    assert not Rehearsal.objects.exists()


@pytest.mark.parametrize("number", [7000777, 0])
def test_a_draft_with_errors_cannot_be_rehearsed(cast: Cast, number: int) -> None:
    with pytest.raises(actions.CannotConfirm):
        rehearse(upload(cast.ada, (cast.ana, cast.bo), (cast.cy, number)))


def test_a_discarded_draft_takes_its_rehearsal_with_it(draft: Transfer, cast: Cast) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    actions.discard(by=cast.ada, transfer=draft)
    assert not Rehearsal.objects.exists()
    assert not work_on_rehearsal(rehearsal.pk, seconds=60)


def test_a_draft_that_is_discarded_during_a_chunk_leaves_no_report(
    draft: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    real = worker.rehearse_pairs

    def discard(*args: object) -> object:
        found = real(*args)
        actions.discard(by=cast.ada, transfer=draft)
        return found

    monkeypatch.setattr(worker, "rehearse_pairs", discard)
    assert not work_on_rehearsal(rehearsal.pk, seconds=60)
    assert not Rehearsal.objects.exists()


# --- Workers ---------------------------------------------------------------------------------------------------------


def test_stop_ends_it_after_the_chunk(
    draft: Transfer, cast: Cast, chunks_of_two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    real = worker.rehearse_pairs

    def stop(*args: object) -> object:
        Rehearsal.objects.update(stop_requested_at=rehearsal.requested_at)
        return real(*args)

    monkeypatch.setattr(worker, "rehearse_pairs", stop)
    work(rehearsal)
    report = report_of(rehearsal)
    assert (report.done, rehearsal.is_open) == ([2, 3], False)
    assert AuditEvent.objects.get(kind="rehearsal-finished").details["not_tried"] == 2


def test_stop_without_a_worker_ends_it_at_once(draft: Transfer, cast: Cast) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    for _ in range(2):
        actions.stop_rehearsal(by=cast.ada, transfer=draft)
    rehearsal.refresh_from_db()
    assert not rehearsal.is_open
    assert AuditEvent.objects.filter(kind="rehearsal-stop-requested").count() == 1
    assert AuditEvent.objects.filter(kind="rehearsal-finished").count() == 1


def test_a_second_start_returns_the_open_rehearsal_and_later_ones_replace_it(
    draft: Transfer, cast: Cast
) -> None:
    first = actions.rehearse(by=cast.ada, transfer=draft)
    assert actions.rehearse(by=cast.ada, transfer=draft) == first
    work(first)
    again = actions.rehearse(by=cast.ada, transfer=draft)
    assert again.pk != first.pk
    assert list(Rehearsal.objects.all()) == [again]
    assert not work_on_rehearsal(first.pk, seconds=60)  # a late message


def test_a_batch_that_does_not_end_in_time_is_tried_in_smaller_parts(
    draft: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(
        worker, "rehearse_pairs", lambda _, batch, deadline: (sizes.append(len(batch)) or [], {})
    )
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    work_on_rehearsal(rehearsal.pk, seconds=0.2)
    assert sizes[:3] == [4, 1, 1]


def test_a_pair_that_kills_its_worker_is_named(
    draft: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    real = worker.rehearse_pairs

    def die_at_row_3(draft: Transfer, batch: list[dict[str, int]], deadline: float) -> object:
        if any(pair["row_number"] == 3 for pair in batch):
            raise KeyboardInterrupt
        return real(draft, batch, deadline)

    monkeypatch.setattr(worker, "rehearse_pairs", die_at_row_3)
    for _ in range(20):
        try:
            work(rehearsal)
        except KeyboardInterrupt:
            continue
    report = report_of(rehearsal)
    assert (sorted(report.done), list(report.failures)) == ([2, 3, 4, 5], [3])
    assert report.failures[3].code == "worker-died"


def test_the_sweep_wakes_a_rehearsal_without_a_worker(
    draft: Transfer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    woken: list[int] = []
    monkeypatch.setattr(tasks, "wake_rehearsal", woken.append)
    tasks.recovery_sweep()
    assert woken == [rehearsal.pk]
    with chunk_lock(draft.pk, REHEARSING):
        tasks.recovery_sweep()
    assert woken == [rehearsal.pk]


@pytest.mark.django_db(transaction=True)
def test_one_worker_at_a_time() -> None:
    cast = Cast()
    draft = upload(cast.ada, (cast.ana, cast.bo))
    rehearsal = actions.rehearse(by=cast.ada, transfer=draft)
    with psycopg.connect(reachable_test_database()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_name(draft.pk, REHEARSING)])
        assert not work_on_rehearsal(rehearsal.pk, seconds=60)
        assert report_of(rehearsal).done == []
    work(rehearsal)
    assert report_of(rehearsal).done == [2]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What another connection finds after a batch: locked users or numbers, and transfers that are not committed."""
    found: list[str] = []
    real = trial.Trial.keep

    def look(self: trial.Trial, pair: TransferPair) -> None:
        with psycopg.connect(reachable_test_database()) as other:
            other.execute("SET lock_timeout = '1s'")
            other.execute("SET transfers.tenant = '*'")
            other.execute("SELECT FROM accounts_user ORDER BY id FOR UPDATE")
            other.execute("SELECT FROM transfers_lastnumber FOR UPDATE")
            turns = TURNS | pair.source.tenant_id
            assert other.execute("SELECT pg_try_advisory_xact_lock(%s)", [turns]).fetchone() == (True,)
            [(number,)] = other.execute("SELECT count(*) FROM transfers_transfer").fetchall()
        found.append(f"{number} transfers")
        real(self, pair)

    monkeypatch.setattr(trial.Trial, "keep", look)
    return found


@pytest.mark.django_db(transaction=True)
def test_the_locks_of_a_batch_are_released_with_it(watched: list[str]) -> None:
    cast = Cast()
    records.everything(cast.ana, 1)
    draft = upload(cast.ada, (cast.ana, cast.bo))
    assert not transaction.get_connection().in_atomic_block
    assert rehearse(draft).done == [2]
    assert watched == ["1 transfers"]
