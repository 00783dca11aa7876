"""The Celery application. What a message carries, and why losing one is harmless, is in `transfers/tasks.py`."""

import logging
import os
import time
from io import StringIO

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from accounts.postgresql.away import DatabaseAway, telling_when_away

SECONDS_BETWEEN_LOOKS, SECONDS_BETWEEN_LINES = 2, 60
logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")

app = Celery("transfer_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def leave_the_logs_alone(**kwargs: object) -> None:
    """LOGGING holds for workers and the clock as well. Celery asks nobody else then; by itself it hides what is no
    warning, whatever LOG_LEVEL says."""


@worker_init.connect
def refuse_to_start_unfit(**kwargs: object) -> None:
    """A worker that does not know what to do with a key or a table of this database must not touch it.

    Celery logs what a receiver raises and goes on, whatever `Exception` it is; SystemExit ends the worker. A database
    that is away is waited for: without it there is nothing to do, and nothing that could be looked at.
    """
    said, said_at = "", 0.0
    while True:
        try:
            with telling_when_away():
                check()
            return
        except DatabaseAway as away:
            if str(away) != said or time.monotonic() - said_at >= SECONDS_BETWEEN_LINES:
                said, said_at = str(away), time.monotonic()
                logger.warning("This worker waits for the database. It says: %s", said)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        except SystemCheckError as error:
            log_lines(logging.CRITICAL, f"This worker does not start. {error}")
            raise SystemExit(1) from error
        except Exception as error:
            logger.critical("This worker does not start, because its checks fail.", exc_info=True)
            raise SystemExit(1) from error
        finally:
            connection.close()  # the processes that it forks would share it


def check() -> None:
    """What it warns of is lines of the log; that all is well is none. Raises SystemCheckError."""
    warnings = StringIO()
    call_command("check", databases=["default"], stdout=StringIO(), stderr=warnings)
    log_lines(logging.WARNING, warnings.getvalue())


def log_lines(level: int, text: str) -> None:
    for line in filter(None, text.splitlines()):
        logger.log(level, "%s", line)
