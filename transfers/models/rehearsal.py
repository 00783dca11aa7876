from django.db import models

from transfers.models.transfer import Transfer


class Rehearsal(models.Model):
    """The latest rehearsal of a draft: what was to be transferred when it started, and the report so far.

    `pairs` are the pairs of the plan as a confirmation would write them, each with its numbers in the preview:
    {"row_number": 2, "source_id": 18, …, "chunk": 0, "planned": {"workforce.agentschedule": {"source": 90, …}}}.
    `report` is a `transfers.rehearsal.report.Report` as JSON. `attempts` is how often workers have started the
    current chunk without a result.

    Deleted with the rows of its draft (docs/decisions/rehearsal.md).
    """

    transfer = models.OneToOneField(Transfer, models.CASCADE, related_name="rehearsal")
    pairs = models.JSONField()
    total = models.PositiveIntegerField()
    report = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Rehearsal of transfer {self.transfer.number}"

    @property
    def is_open(self) -> bool:
        return self.finished_at is None
