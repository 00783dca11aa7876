"""An error that no pair is at fault for ends the transfer at once; a missing table makes it wait."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.roles import as_owner
from tests.fixtures.running import confirm, run, upload
from transfer_site.run.embedded import APPLICATION
from transfers import actions
from transfers.actions import confirming
from transfers.engine import batch, worker
from transfers.engine.failures import shared
from transfers.engine.stage import MissingTable
from transfers.models import PairState, Participant, State, Transfer

pytestmark = pytest.mark.django_db

TABLE = "workforce_agentrealtimestate"
# A setting of this file only: once set, it exists, empty, until the end of the session.
READS_SETTING = f"""
CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF {{condition}} THEN PERFORM current_setting('app.never_set'); END IF; RETURN coalesce(NEW, OLD); END$$;
CREATE TRIGGER who_trigger BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION who();
"""


@pytest.fixture
def pairs(cast: Cast) -> list[tuple[User, User]]:
    users = [agent(cast.support, f"Agent Number{number}") for number in range(80)]
    for user in users:
        records.real_time_state(user)
    return list(zip(users[:40], users[40:], strict=True))


@pytest.fixture
def confirmed(cast: Cast, pairs: list[tuple[User, User]], monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """A transfer of four chunks with ten pairs each."""
    monkeypatch.setattr(confirming, "CHUNK_PAIRS", 10)
    return confirm(upload(cast.ada, *pairs), cast.ada)


@pytest.fixture(autouse=True)
def batches(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[int]]:
    """All batches that were run."""
    run_batch, found = batch.run_batch, []

    def counted(transfer: Transfer, pair_ids: Sequence[int]) -> None:
        found.append(pair_ids)
        run_batch(transfer, pair_ids)

    monkeypatch.setattr(worker, "run_batch", counted)
    monkeypatch.setattr(shared, "run_batch", counted)
    return found


def alter(statements: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statements)


def test_a_missing_right_ends_the_transfer_at_once(confirmed: Transfer, batches: list[Sequence[int]]) -> None:
    alter(f"REVOKE UPDATE ON {TABLE} FROM {APPLICATION}")
    before = records.snapshot()
    assert run(confirmed).state == State.FAILED
    assert len(batches) == 2
    failed = confirmed.pairs.filter(state=PairState.FAILED, code="database-error")
    assert failed.count() == 40
    reason, remedy = failed.values_list("reason", "remedy").distinct().get()
    assert f"permission denied for table {TABLE}" in reason
    assert "the remaining pairs were not tried" in reason
    assert "grant SELECT, INSERT, UPDATE and DELETE" in remedy
    assert not failed.filter(finished_at=None).exists()
    assert records.snapshot() == before
    events = AuditEvent.objects.filter(kind="pair-failed")
    assert set(events.values_list("pair_id", flat=True)) == set(failed.values_list("pk", flat=True))
    assert {event.details["reason"] for event in events} == {reason}
    assert AuditEvent.objects.get(kind="transfer-finished").details["failed"] == 40
    assert Participant.objects.count() == 0


def test_the_pairs_can_be_retried_when_the_cause_is_gone(cast: Cast, confirmed: Transfer) -> None:
    alter(f"REVOKE UPDATE ON {TABLE} FROM {APPLICATION}")
    run(confirmed)
    alter(f"GRANT UPDATE ON {TABLE} TO {APPLICATION}")
    again = run(confirm(actions.retry(by=cast.ada, transfer=confirmed), cast.ada))
    assert again.state == State.SUCCEEDED
    assert again.pairs.count() == 40


def test_a_right_revoked_in_the_middle_keeps_what_is_done(confirmed: Transfer) -> None:
    worker.start(confirmed.pk)
    worker.work_on_a_chunk(Transfer.objects.get(pk=confirmed.pk), float("inf"))
    alter(f"REVOKE UPDATE ON {TABLE} FROM {APPLICATION}")
    assert run(confirmed).state == State.FINISHED_WITH_ERRORS
    assert states(confirmed) == {PairState.SUCCEEDED: 10, PairState.FAILED: 30}


def test_a_trigger_that_no_pair_passes_ends_the_transfer(
    confirmed: Transfer, batches: list[Sequence[int]]
) -> None:
    alter(READS_SETTING.format(condition="true"))
    assert run(confirmed).state == State.FAILED
    assert len(batches) == 5  # the chunk, no pair, and three samples
    assert states(confirmed) == {PairState.FAILED: 40}
    reasons = set(confirmed.pairs.values_list("reason", flat=True))
    assert all("trigger who_trigger reads the setting app.never_set" in reason for reason in reasons)
    assert confirmed.pairs.filter(reason__contains="were not tried").count() == 37
    assert AuditEvent.objects.filter(kind="pair-failed").count() == 40


@pytest.mark.parametrize("position", [0, 10], ids=["first of the transfer", "first of a later chunk"])
def test_a_trigger_that_one_pair_does_not_pass_fails_that_pair_only(
    confirmed: Transfer, pairs: list[tuple[User, User]], position: int
) -> None:
    source, _ = pairs[position]
    alter(READS_SETTING.format(condition=f"OLD.user_id = {source.pk}"))
    assert run(confirmed).state == State.FINISHED_WITH_ERRORS
    failed = confirmed.pairs.get(state=PairState.FAILED)
    assert (failed.source, failed.attempts) == (source, 1)
    assert "not tried" not in failed.reason
    assert states(confirmed) == {PairState.SUCCEEDED: 39, PairState.FAILED: 1}


def test_a_trigger_that_a_quarter_does_not_pass_leaves_the_others(
    confirmed: Transfer, pairs: list[tuple[User, User]]
) -> None:
    """All pairs of the last chunk fail, but others have succeeded."""
    ids = ", ".join(str(source.pk) for source, _ in pairs[30:])
    alter(READS_SETTING.format(condition=f"OLD.user_id IN ({ids})"))
    run(confirmed)
    assert states(confirmed) == {PairState.SUCCEEDED: 30, PairState.FAILED: 10}
    assert not confirmed.pairs.filter(reason__contains="not tried").exists()


WANTS_ROWS_OF_ONE_USER = """
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF (SELECT count(DISTINCT user_id) FROM written) <> 1 THEN RAISE 'not one user'; END IF; RETURN NULL; END$$;
CREATE TRIGGER look_trigger AFTER UPDATE ON {table} REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION look();
"""


def test_an_error_without_pairs_that_is_another_one_is_not_theirs(
    confirmed: Transfer, pairs: list[tuple[User, User]]
) -> None:
    """Nobody has rows in the other table, so no batch of pairs changes it."""
    alter(WANTS_ROWS_OF_ONE_USER.format(table="workforce_agentschedule"))
    alter(READS_SETTING.format(condition=f"OLD.user_id = {pairs[0][0].pk}"))
    run(confirmed)
    failed = confirmed.pairs.get(state=PairState.FAILED)
    assert "reads the setting app.never_set" in failed.reason
    assert states(confirmed) == {PairState.SUCCEEDED: 39, PairState.FAILED: 1}


def test_a_trigger_that_wants_rows_lets_single_pairs_pass(cast: Cast, pairs: list[tuple[User, User]]) -> None:
    """It refuses a batch of several pairs as it refuses one without any."""
    alter(WANTS_ROWS_OF_ONE_USER.format(table=TABLE))
    transfer = run(confirm(upload(cast.ada, *pairs[:4]), cast.ada))
    assert states(transfer) == {PairState.SUCCEEDED: 4}


def test_after_a_stop_request_no_pair_fails(confirmed: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stop request the pairs that were not tried are "not started", as without the error."""
    alter(f"REVOKE UPDATE ON {TABLE} FROM {APPLICATION}")
    real = shared.explain

    def stopped(error: BaseException) -> shared.Failure:
        Transfer.objects.filter(pk=confirmed.pk).update(stop_requested_at=timezone.now())
        return real(error)

    monkeypatch.setattr(shared, "explain", stopped)
    assert run(confirmed).state == State.STOPPED
    assert states(confirmed) == {PairState.NOT_STARTED: 40}


def states(transfer: Transfer) -> dict[str, int]:
    found = list(transfer.pairs.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


# --- Upgrades --------------------------------------------------------------------------------------------------------


def wait(transfer: Transfer, error: type[Exception]) -> None:
    """Work on the transfer four times while its tables are not those of the code; no pair fails or has an attempt."""
    for _ in range(4):
        with pytest.raises(error):
            worker.work_on(transfer.pk)
    assert states(transfer) == {PairState.PENDING: 40}
    assert set(transfer.pairs.values_list("attempts", flat=True)) == {0}
    assert set(transfer.pairs.values_list("pauses", flat=True)) == {1}


def test_a_transfer_waits_for_a_missing_table(confirmed: Transfer) -> None:
    alter(f"ALTER TABLE {TABLE} RENAME TO put_aside")
    wait(confirmed, MissingTable)
    alter(f"ALTER TABLE put_aside RENAME TO {TABLE}")
    assert run(confirmed).state == State.SUCCEEDED


def test_a_transfer_waits_for_a_missing_column_while_migrations_are_pending(confirmed: Transfer) -> None:
    alter(f"ALTER TABLE {TABLE} RENAME user_id TO put_aside")
    alter("DELETE FROM django_migrations WHERE app = 'workforce'")
    wait(confirmed, Exception)
    alter(f"ALTER TABLE {TABLE} RENAME put_aside TO user_id")
    assert run(confirmed).state == State.SUCCEEDED


def test_a_transfer_waits_for_a_missing_column_while_newer_migrations_are_applied(
    confirmed: Transfer,
) -> None:
    alter(f"ALTER TABLE {TABLE} RENAME user_id TO put_aside")
    alter("INSERT INTO django_migrations (app, name, applied) VALUES ('workforce', '9999_newer', now())")
    wait(confirmed, Exception)


def test_a_missing_column_without_an_upgrade_ends_the_transfer(
    confirmed: Transfer, batches: list[Sequence[int]]
) -> None:
    alter(f"ALTER TABLE {TABLE} RENAME user_id TO put_aside")
    assert run(confirmed).state == State.FAILED
    assert len(batches) == 2
    assert confirmed.pairs.filter(reason__contains="the remaining pairs were not tried").count() == 40


def test_a_table_missing_in_a_trigger_fails_the_pairs(confirmed: Transfer) -> None:
    alter(
        READS_SETTING.replace("current_setting('app.never_set')", "1 FROM no_such_table").format(
            condition="true"
        )
    )
    assert run(confirmed).state == State.FAILED
    assert 'relation "no_such_table" does not exist' in confirmed.pairs.all()[39].reason
