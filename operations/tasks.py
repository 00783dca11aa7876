"""What the clock asks of the workers for the running of the site. Messages carry nothing."""

from celery import shared_task
from django.db.models.functions import Now

from accounts import wall
from operations import mail
from operations.models import Heartbeat


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
