"""Whether a worker starts on this database, asked as Celery asks: what a receiver raises is logged and forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import worker_init
from celery.utils.dispatch import Signal
from django.core.management import call_command
from django.db import OperationalError, connection

from tests.roles import as_owner
from transfer_site.celery import refuse_to_start_unfit


def start() -> None:
    """As a worker does, without the other receivers, which want a worker."""
    signal = Signal(name="worker_init")
    signal.connect(refuse_to_start_unfit)
    signal.send(sender=None)


@pytest.fixture
def unfit(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER ROLE transfer BYPASSRLS")


def test_a_worker_whose_role_goes_round_the_wall_ends(unfit: None) -> None:
    with pytest.raises(SystemExit, match=r"does not start[\s\S]*accounts.E101[\s\S]*has BYPASSRLS"):
        start()


def test_a_database_that_is_away_is_waited_for_and_then_looked_at(
    unfit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start of a machine its programs start in any order."""
    answers: Iterator[Exception] = iter([OperationalError("refused"), OperationalError("starting up")])

    def check(*args: Any, **options: Any) -> None:
        for away in answers:
            raise away
        call_command(*args, **options)

    monkeypatch.setattr("transfer_site.celery.call_command", check)
    monkeypatch.setattr("transfer_site.celery.SECONDS_BETWEEN_LOOKS", 0)
    monkeypatch.setattr("transfer_site.celery.connection.close", lambda: None)  # the test's own
    with pytest.raises(SystemExit, match="does not start"):
        start()


def test_every_worker_is_asked() -> None:
    assert refuse_to_start_unfit in worker_init._live_receivers(None)
