"""Periodic tasks for running the site. Beat sends them without arguments."""

import logging

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from operations import mail
from operations.housekeeping import delete_expired
from operations.models import Heartbeat
from tenancy.context import all_tenants_context

log = logging.getLogger(__name__)


@shared_task
def heartbeat() -> None:
    """Record that the scheduler, the queue and a worker are up, as the run of this task shows."""
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"at": Now()})


@shared_task
@all_tenants_context()
def send_mails() -> None:
    """Send due emails, after creating those of ended transfers that have none, so that a crash loses no email."""
    mail.queue_ended()
    mail.send_due()


@shared_task
@all_tenants_context()
def housekeeping() -> None:
    """Delete expired data for TRANSFER_TASK_SECONDS; if some is left, enqueue the task again.

    Between two such runs, transfers get their turn.
    """
    results = delete_expired(settings.TRANSFER_TASK_SECONDS)
    if removed := [f"{result.what}: {result.removed:,}" for result in results if result.removed]:
        log.info("deleted %s", ", ".join(removed))
    if any(result.unfinished for result in results):
        enqueue_housekeeping()


def enqueue_housekeeping() -> None:
    try:
        housekeeping.delay()
    except OperationalError as error:
        log.warning("the queue cannot be reached, housekeeping continues next night: %s", error)
