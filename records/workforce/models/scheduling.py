"""Work hours, shifts, schedules, exceptions, and daily team allocations of agents."""

from django.db import models

from accounts.models import Team, User
from tenancy.models import Tenant


class ExceptionType(models.Model):
    """A reason to depart from the schedule, such as sick leave or training."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    is_paid = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="exception_type_name_unique")]


class AssignedException(models.Model):
    """A period in which an agent departs from the schedule."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    exception_type = models.ForeignKey(ExceptionType, models.PROTECT, related_name="+", db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_approved = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index("user", "starts_at", name="assigned_exception_by_user")]


class AgentSchedule(models.Model):
    """An agent's shift on one day, with its activities as child rows."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_published = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint("user", "date", name="agent_schedule_once_a_day")]


class ScheduleActivity(models.Model):
    """A planned activity within a schedule."""

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


class AgentWorkShift(models.Model):
    """The shift an agent works from `starts_on` until the next one starts."""

    class Pattern(models.TextChoices):
        EARLY = "early"
        DAY = "day"
        LATE = "late"
        NIGHT = "night"
        ROTATING = "rotating"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    starts_on = models.DateField()
    pattern = models.CharField(max_length=10, choices=Pattern.choices)
    begins = models.TimeField()
    minutes = models.PositiveSmallIntegerField("length in minutes")

    class Meta:
        constraints = [models.UniqueConstraint("user", "starts_on", name="agent_work_shift_once")]


class AgentWorkHours(models.Model):
    """The times at which an agent can work on a day of the week, and the maximum number of hours."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    earliest_start = models.TimeField()
    latest_end = models.TimeField()
    maximum_hours = models.DecimalField(max_digits=4, decimal_places=2)

    class Meta:
        verbose_name_plural = "agent work hours"
        constraints = [models.UniqueConstraint("user", "weekday", name="agent_work_hours_once")]


class AgentGroupDayAllocation(models.Model):
    """The percentage of a day that an agent works for a team."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    percent = models.PositiveSmallIntegerField(default=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "team", "date", name="agent_group_day_allocation_once"),
        ]
