"""A table for each policy on conflicting rows, and for each fold (a way to merge two values)."""

from django.db import models

from tests.apps.smallapp.models.users import owner_key


class Chosen(models.Model):
    """Of two conflicting rows, the source's row is kept."""

    owner = owner_key()
    k = models.IntegerField()
    v = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="chosen_once")]


class Newest(models.Model):
    owner = owner_key()
    k = models.IntegerField()
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="newest_once")]


class Latecomer(models.Model):
    """A row with two unique keys, (owner, colour) and (owner, size). Of conflicting rows, the latest is kept."""

    owner = owner_key()
    colour = models.IntegerField(null=True)
    size = models.IntegerField(null=True)
    n = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", "colour", name="latecomer_colour"),
            models.UniqueConstraint("owner", "size", name="latecomer_size"),
        ]


class Ranked(models.Model):
    owner = owner_key()
    k = models.IntegerField()
    level = models.CharField(max_length=10, null=True)  # noqa: DJ001  (NULL ranks last)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="ranked_once")]


class Counter(models.Model):
    owner = owner_key()
    day = models.IntegerField()
    n = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("owner", "day", name="counter_once")]


class Totals(models.Model):
    """Numbers of every integer type, which are summed if rows conflict."""

    owner = owner_key()
    k = models.IntegerField()
    small = models.SmallIntegerField(null=True)
    medium = models.IntegerField(null=True)
    large = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="totals_once")]


class Folded(models.Model):
    owner = owner_key()
    k = models.IntegerField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    flag = models.BooleanField(null=True)
    words = models.CharField(max_length=12, null=True)  # noqa: DJ001  (the fold must handle both NULL and "")
    remark = models.TextField(blank=True)
    number = models.IntegerField(null=True)
    untouched = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="folded_once")]


class Folder(models.Model):
    owner = owner_key()
    name = models.CharField(max_length=8)
    v = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "name", name="folder_once")]


class Preference(models.Model):
    """One row per user, with the user as its primary key."""

    user = models.OneToOneField(
        "accounts.User", models.PROTECT, primary_key=True, db_column="id", related_name="+"
    )
    phone = models.CharField(max_length=20, blank=True)
    seen = models.IntegerField(null=True)
    welcome = models.BooleanField(default=False)
    colour = models.CharField(max_length=10, blank=True)
