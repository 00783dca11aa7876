from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models
from django.db.models import Q

from accounts.models import User
from accounts.permissions import Permission
from tenancy.context import all_tenants_context, tenant_context
from tenancy.models import Tenant
from transfers.models.number import next_number


class Kind(models.TextChoices):
    SINGLE = "single", "Single"
    BULK = "bulk", "Bulk"
    UNDO = "undo", "Undo"


class State(models.TextChoices):
    DRAFT = "draft", "Draft"
    DISCARDED = "discarded", "Discarded"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FINISHED_WITH_ERRORS = "finished with errors", "Finished with errors"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


RESULTS = (State.SUCCEEDED, State.FINISHED_WITH_ERRORS, State.FAILED, State.STOPPED)
FINAL = (State.DISCARDED, *RESULTS)
OPEN = (State.QUEUED, State.RUNNING)

# All allowed changes of state. A change is an UPDATE filtered on the old state; if it updates no row, another process
# was faster.
MOVES: dict[State, tuple[State, ...]] = {
    State.DRAFT: (State.QUEUED, State.DISCARDED),
    State.QUEUED: (State.RUNNING, State.STOPPED),
    State.RUNNING: RESULTS,
}

# The permission needed to run each kind of transfer, checked on every page and again before every batch.
PERMISSION_TO_RUN = {
    Kind.SINGLE: Permission.TRANSFER_ONE,
    Kind.BULK: Permission.TRANSFER_BULK,
    Kind.UNDO: Permission.UNDO,
}


class Transfer(models.Model):
    """A transfer of a single pair from the form, of 1 to 2,000 pairs from a people.csv, or the undo of another.

    `number` counts the tenant's transfers. It is what people see, in addresses too, and what the audit log holds: `id`
    counts those of all tenants, and is never shown to a tenant.

    A draft has `rows`; confirming it creates the `pairs`, of which only the state and the results change afterwards.
    `version` increases with each change of a draft. `plan_hash` is the hash of the confirmed plan.

    `keeps_target` is true if the transfer moves late arrivals (records added to a source after an earlier transfer);
    types that are normally overwritten are then combined. `late_rows` maps data type keys to the number of records that
    the sources of successful pairs had at `late_counted_at`: {"workforce.agentschedule": 3}. Sources that have since
    been in another pair are not counted.

    An undo has the transfer whose pairs it takes back in `undoes`; its pairs have source and target exchanged
    (docs/decisions/undo.md). `leaves_changed` is true if records that were changed since stay as they are; otherwise a
    pair with such records is not undone. `forgotten_at` is set before the first journal entry of a transfer is deleted,
    and from then on the transfer cannot be undone.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    number = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_by_name = models.CharField(max_length=310)
    version = models.PositiveIntegerField(default=1)
    keeps_target = models.BooleanField(default=False)
    undoes = models.ForeignKey("self", models.PROTECT, null=True, related_name="undos")
    leaves_changed = models.BooleanField(default=False)
    plan_hash = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_summary = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    late_rows = models.JSONField(default=dict)
    late_counted_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index("tenant", "id", name="transfer_by_tenant"),
            models.Index("state", name="transfer_open", condition=Q(state__in=OPEN)),
        ]
        constraints = [
            models.UniqueConstraint("tenant", "number", name="transfer_number_once"),
            models.UniqueConstraint(
                "tenant", name="transfer_one_open_bulk", condition=Q(kind=Kind.BULK, state__in=OPEN)
            ),
            models.CheckConstraint(
                name="transfer_undoes_if_undo",
                condition=Q(kind=Kind.UNDO, undoes__isnull=False)
                | ~Q(kind=Kind.UNDO) & Q(undoes__isnull=True),
            ),
            models.CheckConstraint(
                name="transfer_finished_when_final",
                condition=Q(state__in=FINAL, finished_at__isnull=False)
                | Q(~Q(state__in=FINAL), finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="transfer_plan_when_confirmed",
                condition=Q(state__in=(State.DRAFT, State.DISCARDED), confirmed_at__isnull=True)
                | Q(~Q(state__in=(State.DRAFT, State.DISCARDED)), confirmed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.number:
            self.number = next_number(self.tenant_id)
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        """What the transfer is called in titles."""
        if self.is_undo:
            return f"Transfer {self.number}: undo of transfer {self.undone_number}"
        return f"{self.get_kind_display()} transfer {self.number}"

    @property
    def undone_number(self) -> int | None:
        """The number of the transfer that an undo takes back."""
        return self.undoes.number if self.undoes else None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_bulk(self) -> bool:
        return self.kind == Kind.BULK

    @property
    def is_undo(self) -> bool:
        return self.kind == Kind.UNDO

    @property
    def done_word(self) -> str:
        """What is said of a pair that succeeded: it was transferred, or undone."""
        return "undone" if self.is_undo else "transferred"


@contextmanager
def in_its_tenant(transfer_id: int) -> Iterator[None]:
    """Enter the tenant context of a transfer for the block. Raises `Transfer.DoesNotExist`."""
    with all_tenants_context():
        tenant_id = Transfer.objects.values_list("tenant_id", flat=True).get(pk=transfer_id)
    with tenant_context(tenant_id):
        yield


def move(transfer_id: int, to: State, **facts: Any) -> bool:
    """Change a transfer's state to `to` and set the fields in `facts`. Return False if the change is not allowed."""
    origins = [origin for origin, targets in MOVES.items() if to in targets]
    return Transfer.objects.filter(pk=transfer_id, state__in=origins).update(state=to, **facts) == 1


class Participant(models.Model):
    """A user who is the source or target in an open transfer.

    Created when the transfer is confirmed, deleted when it ends. Unique, so a user takes part in one transfer at a
    time.
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    transfer = models.ForeignKey(Transfer, models.CASCADE, related_name="participants")
