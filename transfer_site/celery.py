"""The Celery application. What a message carries, and why losing one is harmless, is in `transfers/tasks.py`."""

import os

from celery import Celery
from celery.signals import worker_init
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transfer_site.settings")

app = Celery("transfer_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_to_start_unfit(**kwargs: object) -> None:
    """A worker that does not know what to do with a key or a table of this database must not touch it."""
    call_command("check", databases=["default"])
