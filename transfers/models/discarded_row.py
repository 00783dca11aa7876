from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from tenancy.models import CurrentTenant


class DiscardedRow(models.Model):
    """A row that a transfer dropped, merged or replaced, as it was; purged after a retention period.

    `table` is the database table, `row` all of its columns. No foreign keys: it outlives what it refers to.
    """

    class Reason(models.TextChoices):
        DROPPED = "dropped", "the target already had one"
        MERGED = "merged", "its values were merged into the target's"
        REPLACED = "replaced", "the source's took its place"

    # Filled by the database: the engine's statements run in the context of one tenant and do not name it.
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
            # Rows are inserted in the order of both columns, so BRIN summaries find them. B-trees would cost every
            # transfer more than everything else about keeping the rows.
            BrinIndex(fields=["transfer_id"], name="discarded_by_transfer", autosummarize=True),
            BrinIndex(fields=["discarded_at"], name="discarded_by_age", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.reason} row of {self.table}"
