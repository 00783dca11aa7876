"""Login states, contacts, and recording commands of agents."""

from django.db import models

from accounts.models import User


class LoginState(models.Model):
    """A period in which a user was in one state at one workstation."""

    class State(models.TextChoices):
        LOGGED_IN = "logged in"
        READY = "ready"
        NOT_READY = "not ready"
        LOGGED_OUT = "logged out"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=20, choices=State.choices)
    workstation = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index("user", "started_at", name="login_state_by_user")]


class CCR(models.Model):
    """Contact call record: one contact that an agent handled, on any channel."""

    class Channel(models.TextChoices):
        VOICE = "voice"
        CHAT = "chat"
        EMAIL = "email"
        SMS = "sms"

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"
        INTERNAL = "internal"

    agent = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    contact_id = models.BigIntegerField()
    channel = models.CharField(max_length=10, choices=Channel.choices)
    direction = models.CharField(max_length=10, choices=Direction.choices)
    calling_number = models.CharField(max_length=32, blank=True)
    called_number = models.CharField(max_length=32, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    hold_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "CCR"
        indexes = [models.Index("agent", "started_at", name="ccr_by_agent")]


class RecordingCommand(models.Model):
    """A command that a user sent to the recorder through the recording API."""

    class Command(models.TextChoices):
        START = "start"
        STOP = "stop"
        PAUSE = "pause"
        RESUME = "resume"
        TAG = "tag"

    class Result(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"
        TIMED_OUT = "timed out"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    ccr = models.ForeignKey(
        CCR, models.PROTECT, related_name="+", null=True, blank=True, db_index=False, verbose_name="contact"
    )
    command = models.CharField(max_length=10, choices=Command.choices)
    tag = models.CharField(max_length=100, blank=True)
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.DONE)
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = "recording API command"
        indexes = [models.Index("user", "sent_at", name="recording_command_by_user")]
