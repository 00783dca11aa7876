"""The Celery application. `transfers/tasks.py` explains what messages contain and why losing one is harmless."""

import logging
import os
import time
from io import StringIO

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfer_site import broker

SECONDS_BETWEEN_ATTEMPTS, SECONDS_BETWEEN_WARNINGS = 2, 60
logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")

broker.use_transport()
app = Celery("transfer_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**kwargs: object) -> None:
    """Keep Django's LOGGING in workers and beat.

    A receiver of this signal prevents Celery from setting up its own logging, which hides everything below WARNING
    whatever LOG_LEVEL is.
    """


@worker_init.connect
def refuse_start_on_failed_checks(**kwargs: object) -> None:
    """End the worker if the system checks find an error, for example because of the rights of its database role.

    Celery only logs an `Exception` raised by a receiver and continues, but SystemExit ends the worker. While the
    database is unavailable, the worker waits, because there is no work and nothing can be checked.
    """
    warned, warned_at = "", 0.0
    while True:
        try:
            with raising_unavailable():
                check()
            return
        except DatabaseUnavailable as error:
            if str(error) != warned or time.monotonic() - warned_at >= SECONDS_BETWEEN_WARNINGS:
                warned, warned_at = str(error), time.monotonic()
                logger.warning("This worker is waiting for the database: %s", warned)
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        except SystemCheckError as error:
            log_lines(logging.CRITICAL, f"This worker does not start. {error}")
            raise SystemExit(1) from error
        except Exception as error:
            logger.critical("This worker does not start, because its checks failed to run.", exc_info=True)
            raise SystemExit(1) from error
        finally:
            connection.close()  # otherwise the worker's child processes would share the connection


def check() -> None:
    """Run the system checks and log their warnings. Raises SystemCheckError if there are errors."""
    warnings = StringIO()
    call_command("check", databases=["default"], stdout=StringIO(), stderr=warnings)
    log_lines(logging.WARNING, warnings.getvalue())


def log_lines(level: int, text: str) -> None:
    for line in filter(None, text.splitlines()):
        logger.log(level, "%s", line)
