"""Tables that together have every kind of unique key in PostgreSQL."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tests.apps.smallapp.models.users import owner_key, user_key


class Keyed2(models.Model):
    owner = owner_key()
    k1 = models.IntegerField()
    k2 = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k1", "k2", name="keyed2_once")]


class NullsEqual(models.Model):
    """A unique key with NULLS NOT DISTINCT: an owner has at most one row in which `k` is NULL."""

    owner = owner_key(null=True)
    k = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("owner", "k"), name="nulls_equal_once", nulls_distinct=False)
        ]


class Soft(models.Model):
    """A partial unique key that covers only rows that are not marked as deleted."""

    owner = user_key()
    k = models.IntegerField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("owner", "k"), condition=Q(deleted_at__isnull=True), name="soft_once"
            )
        ]


class Caseless(models.Model):
    """A case-insensitive unique key."""

    owner = owner_key()
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="caseless_once")]


class TwoKeys(models.Model):
    owner = owner_key()
    a = models.IntegerField(null=True)
    b = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", "a", name="two_keys_a"),
            models.UniqueConstraint("owner", "b", name="two_keys_b"),
        ]


class Duo(models.Model):
    """A row with two user columns, each of which is part of a separate unique key."""

    caller = owner_key()
    callee = owner_key()
    k = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("caller", "k", name="duo_caller"),
            models.UniqueConstraint("callee", "k", name="duo_callee"),
        ]


class Membership(models.Model):
    """A join table with a composite primary key."""

    pk = models.CompositePrimaryKey("user_id", "club")
    user = owner_key()
    club = models.IntegerField()


class Hidden(models.Model):
    """A table with a unique key that the model does not declare, because a migration creates it with SQL."""

    owner = user_key()
    k = models.IntegerField()
