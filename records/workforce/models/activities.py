"""Current, past and offline activities of agents."""

from django.db import models

from accounts.models import User
from tenancy.models import Tenant


class OfflineActivity(models.Model):
    """A kind of work other than handling contacts, such as back office or mentoring."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "offline activities"
        constraints = [models.UniqueConstraint("tenant", "name", name="offline_activity_name_unique")]


class AgentOfflineActivityHours(models.Model):
    """The hours an agent spent on an offline activity on one day."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    activity = models.ForeignKey(OfflineActivity, models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    hours = models.DecimalField(max_digits=4, decimal_places=2)

    class Meta:
        verbose_name_plural = "agent offline activity hours"
        constraints = [
            models.UniqueConstraint("user", "activity", "date", name="agent_offline_activity_hours_once"),
        ]


class HistoricalActivity(models.Model):
    """What an agent actually did in a period. Schedules hold the planned activities."""

    class Activity(models.TextChoices):
        IN_CONTACT = "in contact"
        AVAILABLE = "available"
        AFTER_CONTACT = "after contact"
        BREAK = "break"
        LUNCH = "lunch"
        MEETING = "meeting"
        TRAINING = "training"
        LOGGED_OUT = "logged out"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    activity = models.CharField(max_length=20, choices=Activity.choices)
    in_adherence = models.BooleanField(default=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "historical activities"
        indexes = [models.Index("user", "starts_at", name="historical_activity_by_user")]


class AgentRealTimeState(models.Model):
    """The current state of an agent. Each user has at most one row."""

    class State(models.TextChoices):
        READY = "ready"
        TALKING = "talking"
        AFTER_CONTACT = "after contact"
        NOT_READY = "not ready"
        LOGGED_OUT = "logged out"

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices)
    reason = models.CharField(max_length=100, blank=True)
    since = models.DateTimeField()
