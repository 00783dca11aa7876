"""Whether a worker starts on this database, asked as Celery asks: what a receiver raises is logged and forgotten."""

from typing import Any

import pytest
from celery.signals import worker_init
from celery.utils.dispatch import Signal
from django.db import OperationalError, connection

from tests.roles import as_owner
from transfer_site.celery import refuse_to_start_unfit


def start() -> None:
    """As a worker does, without the other receivers, which want a worker."""
    signal = Signal(name="worker_init")
    signal.connect(refuse_to_start_unfit)
    signal.send(sender=None)


@pytest.mark.django_db
def test_a_worker_whose_role_goes_round_the_wall_ends() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER ROLE transfer BYPASSRLS")
    with pytest.raises(SystemExit, match=r"does not start[\s\S]*accounts.E101[\s\S]*has BYPASSRLS"):
        start()


def test_a_database_that_is_away_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("transfer_site.celery.call_command", away)
    start()


def test_every_worker_is_asked() -> None:
    assert refuse_to_start_unfit in worker_init._live_receivers(None)
