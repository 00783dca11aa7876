"""Workforce management (Classic WFM) records: schedules, productivity and real-time states."""

from django.db import models

from accounts.models import Tenant, User


class Service(models.Model):
    """A queue of contacts that agents serve."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="service_name_unique")]


class AgentSchedule(models.Model):
    """An agent's shift on one day; what happens in it are its activities."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_published = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint("user", "date", name="agent_schedule_once_a_day")]


class ScheduleActivity(models.Model):
    class Activity(models.TextChoices):
        IN_SERVICE = "in service"
        BREAK = "break"
        LUNCH = "lunch"
        MEETING = "meeting"
        COACHING = "coaching"
        TRAINING = "training"

    schedule = models.ForeignKey(AgentSchedule, models.CASCADE, related_name="activities")
    activity = models.CharField(max_length=20, choices=Activity.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()


class AgentServiceProductivity(models.Model):
    """What an agent did for a service in one interval, day, week, month or year."""

    class Granularity(models.TextChoices):
        INTERVAL = "interval"
        DAY = "day"
        WEEK = "week"
        MONTH = "month"
        YEAR = "year"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="+", db_index=False)
    granularity = models.CharField(max_length=10, choices=Granularity.choices)
    starts_at = models.DateTimeField()
    contacts_handled = models.PositiveIntegerField(default=0)
    talk_seconds = models.PositiveIntegerField(default=0)
    hold_seconds = models.PositiveIntegerField(default=0)
    after_contact_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "user", "service", "granularity", "starts_at", name="agent_service_productivity_once"
            ),
        ]


class AgentRealTimeState(models.Model):
    """What an agent is doing now; one row a user."""

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
