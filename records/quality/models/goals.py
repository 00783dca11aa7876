"""Contact goals, the users assigned to them, and their progress."""

from django.db import models

from accounts.models import User
from records.quality.models.contacts import CCR


class ContactGoal(models.Model):
    """A number of contacts that each assigned user should reach per period. Its name is unique per owner."""

    class Period(models.TextChoices):
        DAY = "day"
        WEEK = "week"
        MONTH = "month"

    owner = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    channel = models.CharField(max_length=10, choices=CCR.Channel.choices, default=CCR.Channel.VOICE)
    contacts = models.PositiveIntegerField()
    period = models.CharField(max_length=10, choices=Period.choices, default=Period.WEEK)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "name", name="contact_goal_name_unique")]


class ContactGoalPerson(models.Model):
    """The assignment of a user to a goal."""

    goal = models.ForeignKey(ContactGoal, models.CASCADE, related_name="people")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("person", "goal", name="contact_goal_person_once")]


class ContactGoalProgress(models.Model):
    """The number of contacts that a user recorded for a goal in the period that starts on `period`."""

    # `goal` needs no index, because rows are looked up by user.
    goal = models.ForeignKey(ContactGoal, models.CASCADE, related_name="progress", db_index=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    period = models.DateField()
    recorded = models.IntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("person", "goal", "period", name="contact_goal_progress_once"),
        ]
