"""What a load balancer and a monitor ask; nobody signs in for it, and nothing is told that helps a stranger."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations import health, tasks
from operations.models import Heartbeat
from transfers.engine.locks import chunk_lock

pytestmark = pytest.mark.django_db

EVERYTHING = {"database": "ok", "migrations": "ok", "redis": "ok", "workers": "ok"}


def ready(query: str = "") -> tuple[int, dict[str, Any]]:
    response = Client().get(f"/health/ready{query}")
    return response.status_code, response.json()


def away() -> bool:
    raise OperationalError("connection to server at db.internal, user transfer, failed")


def test_alive_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.PARTS, "database", away)
    response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"].startswith("max-age=0") or "no-store" in response["Cache-Control"]


def test_ready_with_everything_there() -> None:
    tasks.sign_of_life()
    assert ready() == (200, {"status": "ok", **EVERYTHING})
    assert ready("?all=1")[0] == 200


def test_without_a_worker_pages_are_served_and_the_monitor_hears_of_it() -> None:
    assert ready() == (200, {"status": "degraded", **EVERYTHING, "workers": "missing"})
    assert ready("?all=1")[0] == 503


def test_a_worker_that_was_not_heard_of_for_long_is_missing() -> None:
    tasks.sign_of_life()
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=3))
    assert ready()[1]["workers"] == "missing"


def test_a_chunk_in_hand_is_a_sign_of_life() -> None:
    """While all workers are busy, no message of the clock is taken."""
    with chunk_lock(17, 0) as free:
        assert free
        assert ready()[1]["workers"] == "ok"


def test_without_redis_pages_are_served(settings: Settings) -> None:
    tasks.sign_of_life()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ready() == (200, {"status": "degraded", **EVERYTHING, "redis": "missing"})


def test_without_the_database_no_page_can_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.PARTS, "database", away)
    status, found = ready()
    assert (status, found["status"], found["database"]) == (503, "unavailable", "missing")
    assert "internal" not in str(found)


def test_before_the_migrations_no_page_can_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", False)
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *args: ["one"]
    )
    assert ready()[0] == 503


def test_the_sign_of_life_is_one_row() -> None:
    for _ in range(3):
        tasks.sign_of_life()
    assert Heartbeat.objects.count() == 1
