"""The Celery application. What a message carries, and why losing one is harmless, is in `transfers/tasks.py`."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.core.management import call_command
from django.core.management.base import SystemCheckError

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
    that is away is no reason to end: the worker waits for it.
    """
    try:
        call_command("check", databases=["default"])
    except SystemCheckError as error:
        raise SystemExit(f"This worker does not start. {error}") from error
