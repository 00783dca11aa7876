from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.db.models.lookups import Exact, GreaterThan, IsNull

from audit.details import AnyDetails

# These triggers apply to every role, even the owner of the tables. The application's role may only insert or read
# anyway.
APPEND_ONLY = [
    pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
    pgtrigger.Trigger(
        name="never_emptied",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'The table % can only be added to.', TG_TABLE_NAME;",
    ),
]


def cardinality(column: str) -> models.Func:
    return models.Func(models.F(column), function="cardinality", output_field=models.IntegerField())


def has_no_null(column: str) -> IsNull:
    position = models.Func(
        models.F(column),
        models.Value(None),
        function="array_position",
        output_field=models.IntegerField(null=True),
    )
    return IsNull(position, True)


class AuditEvent(models.Model):
    """An event of the audit log: who did what, when and from which address, with names as they were at the time.

    It holds ids and text instead of foreign keys, so that deletions elsewhere cannot cascade into it. It is
    append-only: triggers refuse UPDATE, DELETE and TRUNCATE, and set `id` and `at` unless the owner of the table
    inserts the row. `kind` is a key of `audit.log.KINDS`, which has the sentence for it.
    """

    tenant_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=40)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=310, blank=True)
    address = models.GenericIPAddressField(null=True)
    transfer_number = models.PositiveBigIntegerField(null=True)
    pair_id = models.BigIntegerField(null=True)
    details = models.JSONField(default=dict, decoder=AnyDetails)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index("tenant_id", "id", name="audit_by_tenant"),
            models.Index("tenant_id", "transfer_number", "id", name="audit_by_transfer"),
            models.Index("tenant_id", "id", name="audit_verifications", condition=Q(kind="audit-verified")),
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor_name}"

    def detail(self, name: str) -> Any:
        return self.details.get(name)


class AuditWaiting(models.Model):
    """An event that is not sealed yet.

    A trigger inserts the row in the event's transaction, and the sealer deletes it. The application's role may neither
    insert nor delete rows.
    """

    event_id = models.BigIntegerField(primary_key=True)
    tenant_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index("tenant_id", "event_id", name="audit_waiting_by_tenant")]

    def __str__(self) -> str:
        return f"event {self.event_id}"


class AuditSeal(models.Model):
    """A link of a tenant's hash chain.

    It holds the ids of its events in order, the SHA-256 of each event, and its own SHA-256, which also covers the
    previous seal's digest. `audit/chain.py` specifies what is hashed. The table is append-only, and only the database
    function `audit_seal` adds rows.
    """

    tenant_id = models.BigIntegerField()
    number = models.PositiveIntegerField()
    sealed_at = models.DateTimeField()
    events = ArrayField(models.BigIntegerField())
    digests = ArrayField(models.BinaryField())
    digest = models.BinaryField()

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint("tenant_id", "number", name="audit_seal_number_once"),
            models.CheckConstraint(
                name="audit_seal_holds_events", condition=GreaterThan(cardinality("events"), 0)
            ),
            models.CheckConstraint(
                name="audit_seal_digest_of_each",
                condition=Exact(cardinality("events"), cardinality("digests")),
            ),
            models.CheckConstraint(
                name="audit_seal_no_gaps", condition=Q(has_no_null("events")) & Q(has_no_null("digests"))
            ),
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"seal {self.number} of tenant {self.tenant_id}"
