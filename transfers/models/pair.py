from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import User
from transfers.models.transfer import Transfer


class PairState(models.TextChoices):
    PENDING = "pending", "Waiting"
    SUCCEEDED = "succeeded", "Transferred"
    FAILED = "failed", "Not transferred"
    NOT_STARTED = "not started", "Not started"


# Final states in which no record of the source was moved.
NOT_TRANSFERRED = (PairState.FAILED, PairState.NOT_STARTED)


# Pairs of a transfer that is not an undo, whose records the target has: they succeeded, and have not been undone since.
# A condition on `TransferPair`.
IN_EFFECT = Q(state=PairState.SUCCEEDED, undoes=[], undone_by__isnull=True)


class TransferPair(models.Model):
    """One source and one target of a confirmed transfer.

    `source_name` and `target_name` are the names at the time of the confirmation. `counts` maps the key of a data type
    to its numbers: {"workforce.agentschedule": {"source": 90, "target": 85, "moved": 90, "dropped": 0, "merged": 0,
    "replaced": 85}}; types without rows are left out. A failed pair has a stable `code`, a `reason` in words, and a
    `remedy`. `weight` is the number of rows counted at the confirmation; pairs with the same `chunk` run together.
    `attempts` is how often workers have started the pair, `pauses` how often they put it back unfinished, and
    `server_began` the start time of the PostgreSQL server at the last attempt (docs/decisions/attempts.md).

    A pair of an undo takes back the pairs in `undoes`, newest first: one pair of the undone transfer, and those that
    later moved late arrivals of the same two users. Once it has succeeded, it is their `undone_by`.
    """

    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="pairs", db_index=False)
    row_number = models.PositiveIntegerField()
    source = models.ForeignKey(User, models.PROTECT, related_name="+")
    target = models.ForeignKey(User, models.PROTECT, related_name="+")
    source_name = models.CharField(max_length=310)
    target_name = models.CharField(max_length=310)
    warnings = models.JSONField(default=list)
    weight = models.PositiveBigIntegerField(default=0)
    chunk = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20, choices=PairState.choices, default=PairState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    pauses = models.PositiveSmallIntegerField(default=0)
    server_began = models.DateTimeField(null=True)
    undoes = ArrayField(models.BigIntegerField(), default=list)
    undone_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    counts = models.JSONField(default=dict)
    code = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    data_type = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("row_number",)
        indexes = [
            models.Index(
                "transfer",
                "chunk",
                "attempts",
                "id",
                name="pair_pending",
                condition=Q(state=PairState.PENDING),
            ),
        ]
        constraints = [
            models.UniqueConstraint("transfer", "source", name="pair_source_once"),
            models.UniqueConstraint("transfer", "target", name="pair_target_once"),
            models.CheckConstraint(name="pair_source_is_not_target", condition=~Q(source=models.F("target"))),
            models.CheckConstraint(
                name="pair_failed_with_reason",
                condition=Q(state=PairState.FAILED) & ~Q(code="") & ~Q(reason="")
                | ~Q(state=PairState.FAILED) & Q(code=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_name} ({self.source_id}) → {self.target_name} ({self.target_id})"

    @property
    def result(self) -> str:
        """The state in words, which also says whether a transfer was undone, or what an undo has done."""
        is_undo = bool(self.undoes)
        if self.undone_by_id or (is_undo and self.state == PairState.SUCCEEDED):
            return "Undone"
        return "Not undone" if is_undo and self.state == PairState.FAILED else self.get_state_display()
