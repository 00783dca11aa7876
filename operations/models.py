"""Operational state: heartbeats, emails to send, and operators."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User


class Heartbeat(models.Model):
    """The time when a part of the site was last seen alive.

    The row "worker" is updated when a worker runs a task sent by Celery beat, so at that time the scheduler, the queue
    and a worker were all running.
    """

    WORKER = "worker"

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Mail(models.Model):
    """An email to the requester of an ended transfer. There is one per transfer, even if workers crash.

    If somebody else has undone a transfer, its requester gets another email about the undo: `about_undone` is true.

    The address and the text are not stored, but determined when the email is sent. `skipped` is the reason why it was
    not sent.
    """

    transfer_id = models.BigIntegerField()
    about_undone = models.BooleanField(default=False)
    made_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=100, blank=True)
    skipped = models.CharField(max_length=100, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "email"
        indexes = [models.Index("next_try_at", name="mail_waiting", condition=Q(done_at__isnull=True))]
        constraints = [
            models.UniqueConstraint("transfer_id", "about_undone", name="mail_once"),
            models.CheckConstraint(
                name="mail_skipped_is_done", condition=Q(skipped="") | Q(done_at__isnull=False)
            ),
            models.CheckConstraint(name="mail_tried_after_made", condition=Q(next_try_at__gte=F("made_at"))),
        ]

    def __str__(self) -> str:
        return f"Email about transfer {self.transfer_id}"


class Operator(models.Model):
    """A user who runs the server and may view the transfers of all tenants, under /operate/.

    Roles cannot grant this right, because roles belong to tenants. It is granted only by `manage.py operator` on the
    server.
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    since = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.user.name
