"""Tables that combine several cases: two keys, two users, children with unique keys."""

from django.db import models
from django.db.models.functions import Greatest, Least

from tests.apps.smallapp.models.users import owner_key, user_key


class Album(models.Model):
    """A row with two unique keys. Of conflicting rows, the latest is kept.

    A row can be the latest under one key but not under the other.
    """

    owner = owner_key()
    a = models.IntegerField(null=True)
    b = models.IntegerField(null=True)
    n = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", "a", name="album_a"),
            models.UniqueConstraint("owner", "b", name="album_b"),
        ]


class Photo(models.Model):
    """A child row with two unique keys, like its parent."""

    album = models.ForeignKey(Album, models.CASCADE, db_index=False)
    number = models.IntegerField(null=True)
    label = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("album", "label", name="photo_label"),
            models.UniqueConstraint("album", "number", name="photo_number"),
        ]


class PhotoTag(models.Model):
    photo = models.ForeignKey(Photo, models.CASCADE)


class TwoUsers(models.Model):
    """A row with two user columns, each of which is part of a separate unique key."""

    seller = owner_key()
    buyer = owner_key(null=True)
    k = models.IntegerField()
    n = models.IntegerField(null=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint("buyer", "k", name="%(class)s_buyer"),
            models.UniqueConstraint("seller", "k", name="%(class)s_seller"),
        ]


class Deal(TwoUsers):
    """Of conflicting rows, the latest is kept and the others are discarded with their children."""


class DealLine(models.Model):
    deal = models.ForeignKey(Deal, models.CASCADE)


class Bid(TwoUsers):
    """Of conflicting rows, the source's row is kept."""


class Contest(TwoUsers):
    """Of conflicting rows, the one with the best level is kept."""

    level = models.CharField(max_length=10, blank=True)


class Barter(TwoUsers):
    """The numbers of conflicting rows are summed."""


class Pot(models.Model):
    """Rows that are merged if they conflict on either of two keys."""

    owner = owner_key()
    a = models.IntegerField(null=True)
    b = models.IntegerField(null=True)
    n = models.IntegerField()
    words = models.CharField(max_length=12, blank=True)
    number = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", "a", name="pot_a"),
            models.UniqueConstraint("owner", "b", name="pot_b"),
        ]


class PotCoin(models.Model):
    pot = models.ForeignKey(Pot, models.CASCADE, db_index=False)
    number = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("pot", "number", name="pot_coin_once")]


class Friendship(models.Model):
    """A link between two users. Two users can have only one link, in either direction."""

    a_user = user_key()
    b_user = user_key()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Least("a_user", "b_user"), Greatest("a_user", "b_user"), name="friendship_once"
            )
        ]


class Panel(models.Model):
    """A JSON document that is itself the list of users."""

    users = models.JSONField(null=True)


class Brief(models.Model):
    """A JSON document with two lists of users."""

    document = models.JSONField(null=True)


class Staff(models.Model):
    """A row per user, with the user's manager. A user must not become their own manager."""

    user = models.OneToOneField("accounts.User", models.PROTECT, related_name="+")
    manager = user_key(null=True)


class Handover(models.Model):
    """A row that two users must not share."""

    giver = user_key()
    taker = user_key()
