from django.db import models

from transfers.models.transfer import Transfer


class DraftRow(models.Model):
    """A selected row of an uploaded file: the text of its cells, the ids they were read as, and what was found.

    `number` is the spreadsheet's row number (header = 1). An id is null if its text is not an id. The names are the
    file's, kept only to detect a sheet in which one column was sorted alone. `cell_problems` are the reader's,
    `problems` all of them after the whole file was checked; both are lists of `Problem.to_json()`. `counts` are the
    pair's predicted counts as in `TransferPair`, and `impact` is {"combined": rows, "deleted": rows}; both are null if
    the row has an error or is not counted yet. A cleared row is no longer selected.
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
