"""Health endpoints for load balancers and monitoring: public, and without details that would help an attacker."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from operations import tasks
from operations.models import Heartbeat
from operations.monitoring import health
from transfers.engine.locks import chunk_lock

pytestmark = pytest.mark.django_db

EVERYTHING = {"database": "ok", "migrations": "ok", "redis": "ok", "workers": "ok"}


def ready(query: str = "") -> tuple[int, dict[str, Any]]:
    response = Client().get(f"/health/ready{query}")
    return response.status_code, response.json()


def database_down() -> bool:
    raise OperationalError("connection to server at db.internal, user transfer, failed")


def test_live_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.PARTS, "database", database_down)
    response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"].startswith("max-age=0") or "no-store" in response["Cache-Control"]


def test_ready_with_all_parts() -> None:
    tasks.heartbeat()
    assert ready() == (200, {"status": "ok", **EVERYTHING})
    assert ready("?all=1")[0] == 200


def test_without_a_worker_it_is_degraded_and_503_for_monitoring() -> None:
    assert ready() == (200, {"status": "degraded", **EVERYTHING, "workers": "missing"})
    assert ready("?all=1")[0] == 503


def test_an_old_heartbeat_means_missing_workers() -> None:
    tasks.heartbeat()
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=3))
    assert ready()[1]["workers"] == "missing"


def test_a_held_chunk_counts_as_a_heartbeat() -> None:
    """While all workers are processing chunks, none can record the scheduler's heartbeat."""
    with chunk_lock(17, 0) as free:
        assert free
        assert ready()[1]["workers"] == "ok"


def test_without_redis_it_is_degraded(settings: Settings) -> None:
    tasks.heartbeat()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ready() == (200, {"status": "degraded", **EVERYTHING, "redis": "missing"})


def test_without_the_database_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.PARTS, "database", database_down)
    status, found = ready()
    assert (status, found["status"], found["database"]) == (503, "unavailable", "missing")
    assert "internal" not in str(found)


def test_with_unapplied_migrations_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", False)
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *args: ["one"]
    )
    assert ready()[0] == 503


def test_the_heartbeat_is_one_row() -> None:
    for _ in range(3):
        tasks.heartbeat()
    assert Heartbeat.objects.count() == 1
