"""What running the site needs to remember: signs of life, mails to be sent, and who may look into the server."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User


class Heartbeat(models.Model):
    """The last time that the named part was seen alive.

    "worker": a worker has taken a message that the clock sent, so all three - clock, queue and worker - are there.
    """

    WORKER = "worker"

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Mail(models.Model):
    """A mail to the requester of a transfer that has ended: one a transfer, whatever happens to workers.

    Holds no address and no text; both are made when it is sent. `skipped` says why there is nobody to send it to.
    """

    transfer_id = models.BigIntegerField(unique=True)
    made_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=100, blank=True)
    skipped = models.CharField(max_length=100, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "mail"
        indexes = [models.Index("next_try_at", name="mail_waiting", condition=Q(done_at__isnull=True))]
        constraints = [
            models.CheckConstraint(
                name="mail_skipped_is_done", condition=Q(skipped="") | Q(done_at__isnull=False)
            ),
            models.CheckConstraint(name="mail_tried_after_made", condition=Q(next_try_at__gte=F("made_at"))),
        ]

    def __str__(self) -> str:
        return f"Mail about transfer {self.transfer_id}"


class Operator(models.Model):
    """Somebody who runs the server and may look at the transfers of every tenant, under /operate/.

    No role can give this, because roles belong to tenants: only `manage.py operator` on the server makes one.
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    since = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.user.name
