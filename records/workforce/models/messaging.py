"""Requests between users, and their comments."""

from django.db import models

from accounts.models import User


class UserMessagingRequest(models.Model):
    """A request from one user to another, for example to swap a shift."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        SHIFT_SWAP = "shift swap"
        TIME_OFF = "time off"
        OVERTIME = "overtime"

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    sender = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    recipient = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=200)
    message = models.TextField(blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("sender", "sent_at", name="messaging_request_by_sender"),
            models.Index("recipient", "sent_at", name="messaging_request_by_recipient"),
        ]


class UserMessagingRequestComment(models.Model):
    """A comment on a request."""

    request = models.ForeignKey(UserMessagingRequest, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    comment = models.TextField()
    created_at = models.DateTimeField()
