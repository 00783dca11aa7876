"""What the clock asks of the workers for the running of the site. Messages carry nothing."""

import logging

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from accounts import wall
from operations import mail
from operations.housekeeping import keep_house
from operations.models import Heartbeat

log = logging.getLogger(__name__)


@shared_task
def sign_of_life() -> None:
    """That this ran shows that clock, queue and a worker are there."""
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"at": Now()})


@shared_task
@wall.every_tenant()
def send_mails() -> None:
    """Also finds the transfers whose mail nobody has made yet, so that no crash loses one."""
    mail.note_ended()
    mail.send_due()


@shared_task
@wall.every_tenant()
def housekeeping() -> None:
    """Once a night, and again at once while anything is left: transfers have their turn in between."""
    outcomes = keep_house(settings.TRANSFER_TASK_SECONDS)
    if removed := [f"{outcome.removed} {outcome.what}" for outcome in outcomes if outcome.removed]:
        log.info("removed %s", ", ".join(removed))
    if any(outcome.left for outcome in outcomes):
        ask_to_go_on()


def ask_to_go_on() -> None:
    try:
        housekeeping.delay()
    except OperationalError as error:
        log.warning("the queue cannot be reached, the housekeeping goes on next night: %s", error)
