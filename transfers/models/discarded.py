from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from accounts.models.tenant import CurrentTenant


class DiscardedRow(models.Model):
    """A row that a transfer dropped, merged away or replaced, as it was; kept for a while, then purged.

    `table` is the database table, `row` all of its columns. No foreign keys: it outlives what it speaks of.
    """

    class Reason(models.TextChoices):
        DROPPED = "dropped", "the target already had one"
        MERGED = "merged", "its values were merged into the target's"
        REPLACED = "replaced", "the source's took its place"

    # The engine's statements do not say it: it is the tenant whose wall they run behind.
    tenant_id = models.BigIntegerField(db_default=CurrentTenant())
    transfer_id = models.BigIntegerField()
    pair_id = models.BigIntegerField()
    data_type = models.CharField(max_length=100)
    table = models.CharField(max_length=130)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    row = models.JSONField()
    discarded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # Rows come in the order of both columns, so that a summary of each stretch of the table finds them; a
            # B-tree each would cost more at every transfer than all the rest of keeping the row.
            BrinIndex(fields=["transfer_id"], name="discarded_by_transfer", autosummarize=True),
            BrinIndex(fields=["discarded_at"], name="discarded_by_age", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.reason} row of {self.table}"
