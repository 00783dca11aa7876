"""Server requests, alerts and workflows."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.fields.json import KeyTransform

from accounts.models import User
from tenancy.models import Tenant


class UserServerRequest(models.Model):
    """A job that a user requested from the server. `parameters` may name users: {"user_ids": [18, 19]}."""

    class Kind(models.TextChoices):
        REPORT = "report"
        EXPORT = "export"
        PUBLISH_SCHEDULES = "publish schedules"
        RECALCULATE_ADHERENCE = "recalculate adherence"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=30, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    parameters = models.JSONField(default=dict, blank=True)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("requested_by", "requested_at", name="server_request_by_user"),
            GinIndex(
                OpClass(KeyTransform("user_ids", "parameters"), "jsonb_path_ops"),
                name="server_request_about_users",
                fastupdate=False,
            ),
        ]


class AlertRule(models.Model):
    """A condition that raises an alert."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="alert_rule_name_unique")]


class Alert(models.Model):
    """An alert that a rule raised about an agent. An agent has at most one unacknowledged alert per rule."""

    class Severity(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    rule = models.ForeignKey(AlertRule, models.PROTECT, related_name="+", db_index=False)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.MEDIUM)
    message = models.CharField(max_length=300, blank=True)
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("user", "rule"),
                name="alert_open_once",
                condition=models.Q(acknowledged_at__isnull=True),
            ),
        ]
        # The unique key covers only unacknowledged alerts, but a transfer looks for all alerts of a user.
        indexes = [models.Index("user", "raised_at", name="alert_by_user")]


class Workflow(models.Model):
    """A workflow that runs when its conditions are met."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="workflow_name_unique")]


class WorkflowCondition(models.Model):
    """A workflow condition about certain agents. `agent_ids` holds user IDs."""

    class Operator(models.TextChoices):
        ANY_OF = "any of"
        NONE_OF = "none of"

    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="conditions", db_index=False)
    operator = models.CharField(max_length=10, choices=Operator.choices, default=Operator.ANY_OF)
    agent_ids = ArrayField(models.BigIntegerField(), default=list)
    is_active = models.BooleanField(default=True)

    class Meta:
        indexes = [GinIndex(fields=["agent_ids"], name="workflow_condition_by_agent", fastupdate=False)]
