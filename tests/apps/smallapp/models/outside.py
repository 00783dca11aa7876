"""Tables of an organisation that knows people by IDs of its own, in columns of every type."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class FixedText(models.CharField):
    """char(n): PostgreSQL pads its values with spaces."""

    def db_type(self, connection: Any) -> str:
        return f"char({self.max_length})"


def once(*fields: str, name: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(*fields, name=name)


class OutsideText(models.Model):
    person = models.TextField()
    k = models.IntegerField()

    class Meta:
        constraints = [once("person", "k", name="outside_text_once")]


class OutsideSmall(models.Model):
    person_no = models.SmallIntegerField()
    k = models.IntegerField()
    n = models.IntegerField(default=0)

    class Meta:
        constraints = [once("person_no", "k", name="outside_small_once")]


class OutsideInt(models.Model):
    """Two people in one row, with a key each."""

    agent_no = models.IntegerField()
    coach_no = models.IntegerField(null=True)
    k = models.IntegerField()

    class Meta:
        constraints = [
            once("agent_no", "k", name="outside_int_agent"),
            once("coach_no", "k", name="outside_int_coach"),
        ]


class OutsidePair(models.Model):
    """Two people in one row without a key: pairs share rows, and each takes back its own column."""

    agent_no = models.IntegerField(db_index=True)
    coach = models.CharField(max_length=20, db_index=True)


class OutsideBig(models.Model):
    person_no = models.BigIntegerField(db_index=True)
    slot = models.IntegerField()


class OutsideChar(models.Model):
    person = FixedText(max_length=40)
    k = models.IntegerField()

    class Meta:
        constraints = [once("person", "k", name="outside_char_once")]


class OutsideNumeric(models.Model):
    person_no = models.DecimalField(max_digits=12, decimal_places=0)
    name = models.CharField(max_length=8)

    class Meta:
        constraints = [once("person_no", "name", name="outside_numeric_once")]


class OutsideUuid(models.Model):
    person = models.UUIDField()
    k = models.IntegerField()
    n = models.IntegerField(null=True)

    class Meta:
        constraints = [once("person", "k", name="outside_uuid_once")]


class OutsideMove(models.Model):
    """A row that only moves."""

    person = models.UUIDField(db_index=True)


class OutsideTenant(models.Model):
    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+", db_index=False)
    person_no = models.IntegerField()
    k = models.IntegerField()

    class Meta:
        constraints = [once("person_no", "tenant", "k", name="outside_tenant_once")]


class OutsideKind(models.Model):
    kind = models.CharField(max_length=10)
    object_no = models.IntegerField()
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [once("object_no", "kind", "name", name="outside_kind_once")]


class OutsideList(models.Model):
    people = ArrayField(models.IntegerField(), null=True)

    class Meta:
        indexes = [GinIndex("people", name="outside_list_people")]


class OutsideUuids(models.Model):
    people = ArrayField(models.UUIDField(), null=True)

    class Meta:
        indexes = [GinIndex("people", name="outside_uuids_people")]


class OutsideDocument(models.Model):
    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="outside_document")]


class OutsideProfile(models.Model):
    person_no = models.IntegerField(unique=True)
    seen = models.IntegerField(null=True)
