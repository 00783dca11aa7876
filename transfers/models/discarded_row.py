from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from tenancy.models import CurrentTenant


class DiscardedRow(models.Model):
    """A copy, kept for a retention period, of a row that a transfer dropped, merged or replaced.

    `table` is the name of the database table, `row` holds all of its columns. There are no foreign keys, because the
    copy must outlive the rows that it refers to.
    """

    class Reason(models.TextChoices):
        DROPPED = "dropped", "the target already had one"
        MERGED = "merged", "its values were merged into the target's"
        REPLACED = "replaced", "the source's took its place"

    # Filled in by the database, because the engine's statements run in a tenant's context and do not name the tenant.
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
            # Both columns increase as rows are inserted, so small BRIN indexes suffice. Maintaining B-trees would cost
            # each transfer more than all other work of storing discarded rows.
            BrinIndex(fields=["transfer_id"], name="discarded_by_transfer", autosummarize=True),
            BrinIndex(fields=["discarded_at"], name="discarded_by_age", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.reason} row of {self.table}"
