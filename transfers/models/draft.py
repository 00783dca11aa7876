from django.db import models

from transfers.models.transfer import Transfer

# Enough for any name, user name or email in any encoding: at most 254 characters of up to four bytes.
IDENTITY_LENGTH = 1016


class DraftRow(models.Model):
    """A selected row of a draft: the text of its cells, the ids read from them, and the problems found.

    `number` is the row number in the spreadsheet (header = 1). An id is null if its text is not an id. The texts from
    `first_name` to `employee_id` come from the file and are kept only to detect a sheet in which one column was sorted
    without the others. `cell_problems`
    were found while reading the row; `problems` are all problems found in the check of the whole file. Both are lists
    of `Problem.to_json()`. `counts` are the pair's predicted counts, as in `TransferPair`; `impact` is
    {"transferred": rows, "deleted": rows}. `counts` and `impact` are null if the row has an error or has not been
    counted yet. A cleared row is no longer selected.
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
    first_name = models.CharField(max_length=IDENTITY_LENGTH, blank=True)
    last_name = models.CharField(max_length=IDENTITY_LENGTH, blank=True)
    user_name = models.CharField(max_length=IDENTITY_LENGTH, blank=True)
    email = models.CharField(max_length=IDENTITY_LENGTH, blank=True)
    employee_id = models.CharField(max_length=IDENTITY_LENGTH, blank=True)
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
