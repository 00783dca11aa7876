from typing import Any

import pgtrigger
from django.db import models
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """What happened: who, when, from where, what; names as they were.

    Holds ids and text and no foreign keys, so that nothing can cascade into it. Append-only: a trigger refuses
    UPDATE and DELETE. `kind` is one of `transfers.audit.KINDS`, which also has its sentence.
    """

    tenant_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=40)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=310, blank=True)
    address = models.GenericIPAddressField(null=True)
    transfer_id = models.BigIntegerField(null=True)
    pair_id = models.BigIntegerField(null=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index("tenant_id", "id", name="audit_by_tenant"),
            models.Index("transfer_id", "id", name="audit_by_transfer"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor_name}"

    def detail(self, name: str) -> Any:
        return self.details.get(name)
