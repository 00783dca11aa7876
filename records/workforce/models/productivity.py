"""Productivity of agents, summed by interval, day, week, month and year."""

from django.db import models

from accounts.models import User
from tenancy.models import Tenant


class Service(models.Model):
    """A queue of contacts that agents serve."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="service_name_unique")]


class Granularity(models.TextChoices):
    """The length of the period that starts at `starts_at`; an interval is half an hour."""

    INTERVAL = "interval"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class AgentServiceProductivity(models.Model):
    """An agent's results for a service in one interval, day, week, month or year."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="+", db_index=False)
    granularity = models.CharField(max_length=10, choices=Granularity.choices)
    starts_at = models.DateTimeField()
    contacts_handled = models.PositiveIntegerField(default=0)
    talk_seconds = models.PositiveIntegerField(default=0)
    hold_seconds = models.PositiveIntegerField(default=0)
    after_contact_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "agent/service productivity"
        constraints = [
            models.UniqueConstraint(
                "user", "service", "granularity", "starts_at", name="agent_service_productivity_once"
            ),
        ]


class AgentProductivity(models.Model):
    """How an agent spent one interval, day, week, month or year, across all services."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    granularity = models.CharField(max_length=10, choices=Granularity.choices)
    starts_at = models.DateTimeField()
    logged_in_seconds = models.PositiveIntegerField(default=0)
    ready_seconds = models.PositiveIntegerField(default=0)
    not_ready_seconds = models.PositiveIntegerField(default=0)
    in_contact_seconds = models.PositiveIntegerField(default=0)
    contacts_handled = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "agent productivity"
        constraints = [
            models.UniqueConstraint("user", "granularity", "starts_at", name="agent_productivity_once"),
        ]
