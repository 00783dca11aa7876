import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from operations import tasks
from operations.metrics import exposition
from tests.transfers.cast import Cast, add_pair, agent, transfer
from transfers.models import Kind, PairState, State, Transfer

TOKEN = "t" * 40


def measured() -> dict[str, float]:
    """Every sample by its name and labels: `transfer_transfers state=queued`."""
    families = text_string_to_metric_families(exposition().decode())
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sample.labels.items())]): sample.value
        for family in families
        for sample in family.samples
    }


def test_numbers_of_an_empty_site(cast: Cast) -> None:
    found = measured()
    assert found["transfer_transfers state=running"] == 0
    assert found["transfer_queue_age_seconds"] == 0
    assert found["transfer_pairs_per_second"] == 0
    assert "transfer_worker_silence_seconds" not in found  # unknown is not zero


def test_what_is_going_on_is_in_the_numbers(cast: Cast) -> None:
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
    tasks.sign_of_life()
    found = measured()
    assert found["transfer_transfers state=finished with errors"] == 1
    assert found["transfer_transfers state=queued"] == 1
    assert found["transfer_pairs state=succeeded"] == 1
    assert found["transfer_pairs_per_second"] == pytest.approx(2 / 60)
    assert found["transfer_failed_pairs code=constraint"] == 1
    assert found["transfer_batches"] == 1
    assert found["transfer_batch_seconds quantile=0.95"] == pytest.approx(2, abs=0.1)
    assert found["transfer_queue_age_seconds"] > 290
    assert found["transfer_late_arrivals"] == 5
    assert found["transfer_worker_silence_seconds"] < 60


def test_the_number_of_queries_does_not_grow(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        transfer(cast.ada, (agent(cast.support, f"A N{number}"), agent(cast.support, f"B N{number}")))
    with django_assert_num_queries(5):
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
def test_who_may_read_them(
    cast: Cast, settings: Settings, demo: bool, token: str, headers: dict[str, str], address: str, status: int
) -> None:
    settings.DEMO, settings.METRICS_TOKEN = demo, token
    response = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)
    assert response.status_code == status
    assert (b"transfer_transfers" in response.content) is (status == 200)
