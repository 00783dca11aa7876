from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from tenancy.models import CurrentTenant

# Rows per entry. Fewer would store the names of the columns too often; more would make an entry slow to search.
ROWS_PER_ENTRY = 500


class JournalEntry(models.Model):
    """What one statement of a transfer did to up to `ROWS_PER_ENTRY` rows of a table; deleted after a retention period.

    `keys` identifies the rows by primary key, and `before` and `after` hold values of their columns. Each element is a
    record as PostgreSQL prints it, such as `(18,"a ""quoted"" text")`; `key_columns` and `columns` name its fields.
    Unlike JSON, this text preserves every value exactly (docs/decisions/journal.md).

    what            keys    before                      after
    moved           yes     one record for all rows     one record for all rows
    changed         yes     the columns of each row     the columns of each row
    folded          yes     as changed
    adopted         yes     as changed
    detached        yes     as changed
    dropped, merged,        the whole row
    replaced, children

    Of deleted rows, `keys` are those of the rows to which they lost: of merged ones, and where a row can belong to
    users of several pairs. A row that lost to none, or to one without a key, has NULL.

    Of `columns`, the first `assigned` were written by the statement, the others by a trigger. `summed` are those
    to which values were added: the declaration may say something else by the time of an undo. A row that belongs
    to users of several pairs is in an entry of each. `partners` then has, for each row, the IDs of these pairs as a
    printed array such as `{12,17}`, or NULL for a row of one pair. It is empty if all rows are of one pair.

    Rows of a table without a primary key have no `keys`, so those that moved are only counted. There are no foreign
    keys, because the journal must outlive what it refers to.
    """

    class What(models.TextChoices):
        MOVED = "moved", "moved from source to target"
        CHANGED = "changed", "moved, together with other columns or other users"
        FOLDED = "folded", "took over values of another row"
        ADOPTED = "adopted", "moved to another parent row"
        DETACHED = "detached", "the row it referred to was deleted"
        DROPPED = "dropped", "the target already had one"
        MERGED = "merged", "its values were merged into the target's"
        REPLACED = "replaced", "the source's took its place"
        CHILDREN = "children", "its parent row was deleted"

    # Filled in by the database: the engine's statements run in the context of one tenant and do not mention it.
    tenant_id = models.BigIntegerField(db_default=CurrentTenant())
    transfer_id = models.BigIntegerField()
    pair_id = models.BigIntegerField()
    data_type = models.CharField(max_length=100)
    table = models.TextField()  # as SQL: with its schema and quoted where necessary
    what = models.CharField(max_length=10, choices=What.choices)
    n = models.PositiveIntegerField()
    key_columns = ArrayField(models.TextField(), default=list)
    keys = ArrayField(models.TextField(), default=list)
    columns = ArrayField(models.TextField(), default=list)
    before = ArrayField(models.TextField(), default=list)
    after = ArrayField(models.TextField(), default=list)
    assigned = models.PositiveSmallIntegerField(default=0)
    summed = ArrayField(models.TextField(), default=list)
    partners = ArrayField(models.TextField(null=True), default=list)
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "journal entries"
        indexes = [
            # Both columns increase as rows are inserted, so small BRIN indexes suffice. Maintaining B-trees would cost
            # each transfer more than all other work of writing the journal.
            BrinIndex(fields=["transfer_id"], name="journal_by_transfer", autosummarize=True),
            BrinIndex(fields=["written_at"], name="journal_by_age", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.n} rows of {self.table} {self.what}"


# The entries that nothing but an undo needs; the others hold deleted rows.
FOR_UNDO = (
    JournalEntry.What.MOVED,
    JournalEntry.What.CHANGED,
    JournalEntry.What.FOLDED,
    JournalEntry.What.ADOPTED,
    JournalEntry.What.DETACHED,
)
