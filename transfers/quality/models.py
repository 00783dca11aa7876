"""Quality management records: contacts, their evaluations, and contact goals.

Each owner column leads an index, a unique one where there is a key, so that a transfer finds its rows at once.
"""

from django.db import models

from accounts.models import Tenant, User


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


class EvaluationForm(models.Model):
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="evaluation_form_name_unique")]


class Evaluation(models.Model):
    """A contact judged by a form. The evaluator and the approver may become the same person by a transfer."""

    class State(models.TextChoices):
        IN_PROGRESS = "in progress"
        NEEDS_APPROVAL = "needs approval"
        SCORED = "scored"
        APPEALED = "appealed"

    ccr = models.ForeignKey(CCR, models.PROTECT, related_name="evaluations")
    form = models.ForeignKey(EvaluationForm, models.PROTECT, related_name="+")
    evaluator = models.ForeignKey(User, models.PROTECT, related_name="+")
    approver = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    evaluated_at = models.DateTimeField()


class EvaluationComment(models.Model):
    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField()


class ContactGoal(models.Model):
    """So many contacts of a kind per period, for the people assigned to it."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    contacts_per_week = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="contact_goal_name_unique")]


class ContactGoalPerson(models.Model):
    goal = models.ForeignKey(ContactGoal, models.CASCADE, related_name="people")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("person", "goal", name="contact_goal_person_once")]


class ContactGoalProgress(models.Model):
    """How many contacts a person recorded for a goal in the period that starts on `period`."""

    goal = models.ForeignKey(ContactGoal, models.CASCADE, related_name="progress")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    period = models.DateField()
    recorded = models.IntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("person", "goal", "period", name="contact_goal_progress_once"),
        ]
