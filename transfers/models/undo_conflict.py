from django.db import models

from transfers.models.pair import TransferPair


class UndoConflict(models.Model):
    """A row that an undo left as it is, because it was changed since the transfer. Deleted with the journal.

    `key` is the row's primary key as PostgreSQL prints a record, such as `(18)`. Without one, it is "", and `n`
    is the number of rows.
    """

    class Why(models.TextChoices):
        CHANGED = "changed", "was changed"
        DELETED = "deleted", "was deleted"
        KEY_TAKEN = "key taken", "another record has its unique key now"
        PARENT_GONE = "parent gone", "the record that it belongs to is gone"
        SHARED = "shared", "belongs also to users whose transfer is not undone"
        NO_KEY = "no key", "cannot be found again, because its table has no primary key"
        OTHER_COLUMNS = "other columns", "its table has other columns now"

    pair = models.ForeignKey(TransferPair, models.CASCADE, related_name="conflicts")
    data_type = models.CharField(max_length=100)
    table = models.TextField()
    key = models.TextField()
    n = models.PositiveIntegerField(default=1)
    why = models.CharField(max_length=20, choices=Why.choices)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.get_why_display()}"
