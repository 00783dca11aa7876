"""Evaluations of contacts."""

from django.db import models

from accounts.models import User
from records.quality.models.contacts import CCR
from tenancy.models import Tenant


class EvaluationForm(models.Model):
    """A form with the questions of an evaluation."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="evaluation_form_name_unique")]


class Evaluation(models.Model):
    """The evaluation of a contact. After a transfer, evaluator and approver can be the same user."""

    class State(models.TextChoices):
        IN_PROGRESS = "in progress"
        NEEDS_APPROVAL = "needs approval"
        SCORED = "scored"
        APPEALED = "appealed"

    ccr = models.ForeignKey(CCR, models.PROTECT, related_name="evaluations")
    form = models.ForeignKey(EvaluationForm, models.PROTECT, related_name="+", db_index=False)
    evaluator = models.ForeignKey(User, models.PROTECT, related_name="+")
    approver = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    evaluated_at = models.DateTimeField()


class EvaluationComment(models.Model):
    """A comment on an evaluation."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField()
