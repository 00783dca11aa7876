"""Tables for the simple cases: no key, one key, one row per user, two users per row, overwritten rows."""

from django.db import models

from tests.apps.smallapp.models.users import owner_key, user_key


class Plain(models.Model):
    owner = user_key()
    v = models.IntegerField(default=0)


class Keyed(models.Model):
    owner = owner_key()
    k = models.IntegerField(null=True)
    v = models.IntegerField(default=0)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "k", name="keyed_once")]


class Single(models.Model):
    owner = models.OneToOneField("accounts.User", models.PROTECT, related_name="+")
    v = models.IntegerField(default=0)


class Two(models.Model):
    approver = user_key(null=True)
    evaluator = user_key()


class TwoApart(models.Model):
    """Like Two, but a check constraint requires that the two users differ."""

    approver = user_key(null=True)
    evaluator = user_key()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="two_apart_are_two", condition=~models.Q(approver=models.F("evaluator"))
            )
        ]


class Link(models.Model):
    a_user = owner_key()
    b_user = user_key()

    class Meta:
        constraints = [models.UniqueConstraint("a_user", "b_user", name="link_once")]


class Sched(models.Model):
    owner = owner_key()
    slot = models.IntegerField()
    v = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("owner", "slot", name="sched_once")]


class Shift(models.Model):
    """A shift of a worker. The planner is also a user, but is not part of the key."""

    worker = owner_key()
    planner = user_key(null=True)
    slot = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("worker", "slot", name="shift_once")]


class ShiftBreak(models.Model):
    shift = models.ForeignKey(Shift, models.CASCADE)
