from django.db import models

from transfers.models.transfer import Transfer


class DraftRow(models.Model):
    """A selected row of an uploaded file, as its cells were and as they were understood.

    `number` is the spreadsheet's own (header = 1). The ids are null where the text is no id. The names are the
    file's, kept only to notice a sheet in which one column was sorted alone. `cell_problems` are those of the text,
    judged by the reader; `problems` are all of them after the whole file was judged; both lists of `Problem.to_json()`.
    `counts` are the pair's foretold counts as in `TransferPair`, and `impact` is {"combined": rows, "deleted": rows};
    both are null where the row has an error or has yet to be counted. A cleared row is not selected any more.
    """

    class Status(models.TextChoices):
        READY = "ready", "Ready"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"
        CLEARED = "cleared", "Cleared"

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    from_text = models.CharField(max_length=200, blank=True)
    to_text = models.CharField(max_length=200, blank=True)
    from_id = models.BigIntegerField(null=True)
    to_id = models.BigIntegerField(null=True)
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.READY)
    cell_problems = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    counts = models.JSONField(null=True)
    impact = models.JSONField(null=True)

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint("transfer", "number", name="draft_row_number_once")]

    def __str__(self) -> str:
        return f"Row {self.number}: {self.from_text} → {self.to_text}"
