"""Prometheus metrics."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from audit.log import record
from audit.verification import verify
from operations import tasks
from operations.monitoring.metrics import exposition
from tests.fixtures.cast import Cast, add_pair, agent, transfer
from tests.fixtures.roles import as_owner
from transfers.models import JournalEntry, Kind, PairState, State, Transfer

TOKEN = "t" * 40


def metrics() -> dict[str, float]:
    """Return the value of each sample; keys are names with labels, for example `transfer_transfers state=queued`."""
    families = text_string_to_metric_families(exposition().decode())
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sample.labels.items())]): sample.value
        for family in families
        for sample in family.samples
    }


def test_an_empty_site(cast: Cast) -> None:
    found = metrics()
    assert found["transfer_transfers state=running"] == 0
    assert found["transfer_queue_age_seconds"] == 0
    assert found["transfer_pairs_per_second"] == 0
    assert found["transfer_seconds_without_a_pair"] == 0
    assert found["transfer_audit_logs_changed"] == 0


def test_metrics_report_activity(cast: Cast) -> None:
    now = timezone.now()
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.FINISHED_WITH_ERRORS)
    made.pairs.update(started_at=now - timezone.timedelta(seconds=2), finished_at=now)
    add_pair(
        made,
        9,
        cast.cy,
        cast.di,
        state=PairState.FAILED,
        code="constraint",
        reason="A rule.",
        finished_at=now,
    )
    Transfer.objects.filter(pk=made.pk).update(late_rows={"quality.ccr": 3, "workforce.agentschedule": 2})
    waiting = transfer(cast.ada, (cast.eli, cast.nina), state=State.QUEUED)
    Transfer.objects.filter(pk=waiting.pk).update(confirmed_at=now - timezone.timedelta(minutes=5))
    tasks.heartbeat()
    found = metrics()
    assert found["transfer_transfers state=finished with errors"] == 1
    assert found["transfer_transfers state=queued"] == 1
    assert found["transfer_pairs state=succeeded"] == 1
    assert found["transfer_pairs_per_second"] == pytest.approx(2 / 60)
    assert found["transfer_failed_pairs code=constraint"] == 1
    assert found["transfer_batches"] == 1
    assert found["transfer_batch_seconds quantile=0.95"] == pytest.approx(2, abs=0.1)
    assert found["transfer_queue_age_seconds"] > 290
    assert found["transfer_late_arrivals"] == 5
    assert found["transfer_heartbeat_age_seconds"] < 60


def test_without_any_heartbeat_its_age_is_that_of_the_database(cast: Cast) -> None:
    """A missing metric would raise no alarm."""
    assert metrics()["transfer_heartbeat_age_seconds"] > 0


def test_a_stalled_transfer_is_reported_whatever_its_state(cast: Cast) -> None:
    """It may be queued because no worker is running, or may have started and be waiting for disk space.

    In the second case, the age of the queue does not grow.
    """

    def ago(minutes: int) -> Any:
        return timezone.now() - timezone.timedelta(minutes=minutes)

    over = transfer(cast.frida)
    Transfer.objects.filter(pk=over.pk).update(confirmed_at=ago(60))
    paused = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    Transfer.objects.filter(pk=paused.pk).update(confirmed_at=ago(30), started_at=ago(20))
    assert stalled_minutes() == 20
    paused.pairs.filter(source=cast.ana).update(state=PairState.SUCCEEDED, finished_at=ago(10))
    assert stalled_minutes() == 10
    waiting = transfer(cast.ada, (cast.eli, cast.nina), state=State.QUEUED)
    Transfer.objects.filter(pk=waiting.pk).update(confirmed_at=ago(15))
    assert stalled_minutes() == 15


def stalled_minutes() -> int:
    return round(metrics()["transfer_seconds_without_a_pair"] / 60)


def test_audit_logs_that_failed_their_last_verification_are_counted(cast: Cast) -> None:
    for tenant in (cast.abacus, cast.foreign):
        broken = "Event 7 of seal 3 was changed."
        record("audit-verified", tenant_id=tenant.pk, result=broken, events=9, seals=3)
        record("signed-in", tenant_id=tenant.pk)
    assert metrics()["transfer_audit_logs_changed"] == 2
    verify(cast.foreign.pk)
    assert metrics()["transfer_audit_logs_changed"] == 1


def test_the_journal_is_measured(cast: Cast) -> None:
    assert metrics()["transfer_journal_age_seconds"] == 0
    for days in (3, 2):
        JournalEntry.objects.create(
            tenant_id=cast.abacus.pk,
            transfer_id=1,
            pair_id=1,
            table="t",
            what="moved",
            n=1,
            written_at=timezone.now() - timezone.timedelta(days=days),
        )
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE transfers_journalentry")
    found = metrics()
    assert found["transfer_journal_entries"] == 2
    assert found["transfer_journal_bytes"] > 8192
    assert found["transfer_journal_age_seconds"] == pytest.approx(3 * 86400, abs=60)


def test_the_number_of_queries_does_not_grow(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        transfer(cast.ada, (agent(cast.support, f"A N{number}"), agent(cast.support, f"B N{number}")))
    with django_assert_num_queries(6):
        exposition()


@pytest.mark.parametrize(
    ("demo", "token", "headers", "address", "status"),
    [
        (False, TOKEN, {"Authorization": f"Bearer {TOKEN}"}, "192.0.2.7", 200),
        (False, TOKEN, {"Authorization": f"Bearer {TOKEN}x"}, "192.0.2.7", 404),
        (False, TOKEN, {"Authorization": "Bearer ü"}, "192.0.2.7", 404),
        (False, TOKEN, {}, "127.0.0.1", 404),
        (False, "", {}, "127.0.0.1", 404),
        (False, "", {"Authorization": "Bearer "}, "127.0.0.1", 404),
        (True, "", {}, "127.0.0.1", 200),
        (True, "", {}, "192.0.2.7", 404),
        (True, TOKEN, {}, "127.0.0.1", 404),
    ],
)
def test_access(
    cast: Cast, settings: Settings, demo: bool, token: str, headers: dict[str, str], address: str, status: int
) -> None:
    settings.DEMO, settings.METRICS_TOKEN = demo, token
    response = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"transfer_transfers" in response.content) is (status == 200)
