"""The archive and the audit trails. A transfer changes the owner of an audit row but not its text."""

from django.db import models

from accounts.models import User


class StorageFile(models.Model):
    """A recording, screen capture or export in storage. Its path is unique across owners."""

    class Kind(models.TextChoices):
        AUDIO = "audio"
        SCREEN = "screen"
        TRANSCRIPT = "transcript"
        EXPORT = "export"

    owner = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    path = models.CharField(max_length=500, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    size_bytes = models.PositiveBigIntegerField()
    checksum = models.CharField("SHA-256 checksum", max_length=64)
    stored_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("owner", "stored_at", name="storage_file_by_owner")]


class ArchiveAudit(models.Model):
    """An action of a user in the archive. `user_name` and `path` are the values at the time of the action."""

    class Action(models.TextChoices):
        ARCHIVED = "archived"
        RESTORED = "restored"
        PLAYED_BACK = "played back"
        EXPORTED = "exported"
        DELETED = "deleted"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    user_name = models.CharField(max_length=254)
    action = models.CharField(max_length=20, choices=Action.choices)
    path = models.CharField(max_length=500)
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("user", "occurred_at", name="archive_audit_by_user")]


class WFOAuditEvent(models.Model):
    """An action of a user in the workforce optimisation (WFO) suite. `user_name` is the name at that time."""

    class Area(models.TextChoices):
        SIGN_IN = "sign-in"
        RECORDINGS = "recordings"
        EVALUATIONS = "evaluations"
        SCHEDULES = "schedules"
        REPORTS = "reports"
        ADMINISTRATION = "administration"

    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    user_name = models.CharField(max_length=254)
    area = models.CharField(max_length=20, choices=Area.choices)
    event = models.CharField(max_length=100)
    detail = models.TextField(blank=True)
    ip_address = models.GenericIPAddressField("IP address", null=True, blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name = "WFO audit event"
        indexes = [models.Index("user", "occurred_at", name="wfo_audit_event_by_user")]
