from django.db import models

from transfers.models.pair import TransferPair


class UndoConflict(models.Model):
    """A row that an undo left as it is, because it was changed since the transfer. Deleted with the journal.

    `key` is the row's primary key as PostgreSQL prints a record, such as `(18)`. Without one, it is "", and `n`
    is the number of rows.
    """

    class Why(models.TextChoices):
        """The reasons. The labels are said of one record; `said_of` has them for several."""

        CHANGED = "changed", "was changed"
        DELETED = "deleted", "was deleted since"
        KEY_TAKEN = "key taken", "had a unique key that another record has now"
        NO_PARTITION = "no partition", "belongs to a partition that is gone"
        PARENT_GONE = "parent gone", "belongs to a record that is gone"
        REFERRED_TO = "referred to", "cannot go back, because another record refers to it and its user"
        CIRCLE = "circle", "belongs to a record that is below it by now"
        SHARED = "shared", "belongs also to users for whom it is not undone"
        FOLDED = "folded", "was combined with a record that cannot return"
        NOT_THEIRS = "not theirs", "no longer belongs to these users, or their IDs have changed"
        NO_KEY = "no key", "cannot be found again, because its table has no primary key"
        OTHER_COLUMNS = "other columns", "was in a table whose columns have changed since"

    pair = models.ForeignKey(TransferPair, models.CASCADE, related_name="conflicts")
    data_type = models.CharField(max_length=100)
    table = models.TextField()
    key = models.TextField()
    n = models.PositiveIntegerField(default=1)
    why = models.CharField(max_length=20, choices=Why.choices)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {said_of(self.n, self.why)}"


OF_SEVERAL = {
    UndoConflict.Why.CHANGED: "were changed",
    UndoConflict.Why.DELETED: "were deleted since",
    UndoConflict.Why.KEY_TAKEN: "had unique keys that other records have now",
    UndoConflict.Why.NO_PARTITION: "belong to partitions that are gone",
    UndoConflict.Why.PARENT_GONE: "belong to records that are gone",
    UndoConflict.Why.REFERRED_TO: "cannot go back, because other records refer to them and their users",
    UndoConflict.Why.CIRCLE: "belong to records that are below them by now",
    UndoConflict.Why.SHARED: "belong also to users for whom they are not undone",
    UndoConflict.Why.FOLDED: "were combined with records that cannot return",
    UndoConflict.Why.NOT_THEIRS: "no longer belong to these users, or their IDs have changed",
    UndoConflict.Why.NO_KEY: "cannot be found again, because their table has no primary key",
    UndoConflict.Why.OTHER_COLUMNS: "were in tables whose columns have changed since",
}


def said_of(n: int, why: str) -> str:
    """Return what is said of `n` records with this reason, such as "were changed"."""
    reason = UndoConflict.Why(why)
    return str(reason.label) if n == 1 else OF_SEVERAL[reason]
