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
    """Record that the scheduler, the queue and a worker are running, which the execution of this task proves."""
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"at": Now()})


@shared_task
@all_tenants_context()
def send_mails() -> None:
    """Create an email for each ended transfer that has none, even after a crash, and send the emails that are due."""
    mail.queue_ended()
    mail.send_due()


@shared_task
@all_tenants_context()
def housekeeping() -> None:
    """Delete expired data for about TRANSFER_TASK_SECONDS.

    If expired data is left, enqueue this task again, so that workers can process transfers in between.
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
        log.warning("the queue cannot be reached, so housekeeping continues next night: %s", error)
