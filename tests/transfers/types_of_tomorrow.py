"""Data types that the demo has never seen, with a column of every kind. To be made where the apps are isolated."""

from typing import NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Model, Q

from accounts.models import User
from transfers.rules import ArrayColumn, Child, Column, Combine, DataType, JsonPath, Overwrite, Polymorphic


class Tomorrow(NamedTuple):
    queue: type[Model]
    badge: type[Model]
    stamp: type[Model]
    buddy: type[Model]
    watch: type[Model]
    note: type[Model]

    def types(self) -> list[DataType]:
        stamps = Child(self.stamp, "badge")
        agents, shown = ArrayColumn("agent_ids"), JsonPath("filters", "shown", "users")
        about = Polymorphic("about_id", "about_kind", "user", as_text=True)
        author = Column("written_by", "username")
        return [
            DataType("Badges", self.badge, (Column("owner"),), Overwrite(), "", (stamps,), demo_rows=30),
            DataType("Buddies", self.buddy, (Column("a"), Column("b")), Combine(), "", demo_rows=5),
            DataType("Watches", self.watch, (agents, shown), Combine(), "", demo_rows=4),
            DataType("Notes", self.note, (about, author), Combine(), "", demo_rows=3),
        ]


def tomorrow() -> Tomorrow:
    first = queue()
    second = badge(first)
    return Tomorrow(first, second, stamp(second), buddy(), watch(), note())


def queue() -> type[Model]:
    class Queue(models.Model):
        name = models.CharField(max_length=40, unique=True)

        class Meta:
            app_label = "transfers"

    return Queue


def badge(of: type[Model]) -> type[Model]:
    class Badge(models.Model):
        """Unique by itself and by its owner, with a column of every kind."""

        owner = models.ForeignKey(User, models.PROTECT, related_name="+")
        mentor = models.ForeignKey(User, models.PROTECT, related_name="+", null=True)
        queue = models.ForeignKey(of, models.PROTECT, related_name="+")
        weekday = models.PositiveSmallIntegerField()
        serial = models.CharField(max_length=30, unique=True)
        level = models.CharField(max_length=10, choices=[("low", "Low"), ("high", "High")])
        price = models.DecimalField(max_digits=6, decimal_places=2)
        valid_from = models.DateField()
        until = models.DateField()
        is_valid = models.BooleanField()
        address = models.GenericIPAddressField()
        lasted = models.DurationField()
        at = models.TimeField()
        token = models.UUIDField(unique=True)
        ratio = models.FloatField()
        extra = models.JSONField(default=dict)

        class Meta:
            app_label = "transfers"
            constraints = [
                models.UniqueConstraint("owner", "queue", "weekday", name="badge_once"),
                models.CheckConstraint(name="badge_mentor", condition=~Q(owner=F("mentor"))),
            ]

    return Badge


def stamp(on: type[Model]) -> type[Model]:
    class Stamp(models.Model):
        badge = models.ForeignKey(on, models.CASCADE)
        place = models.PositiveSmallIntegerField()

        class Meta:
            app_label = "transfers"
            constraints = [models.UniqueConstraint("badge", "place", name="stamp_once")]

    return Stamp


def buddy() -> type[Model]:
    class Buddy(models.Model):
        a = models.ForeignKey(User, models.PROTECT, related_name="+")
        b = models.ForeignKey(User, models.PROTECT, related_name="+")

        class Meta:
            app_label = "transfers"
            constraints = [
                models.UniqueConstraint("a", "b", name="buddies_once"),
                models.CheckConstraint(name="buddies_two", condition=~Q(a=F("b"))),
            ]

    return Buddy


def watch() -> type[Model]:
    class Watch(models.Model):
        agent_ids = ArrayField(models.BigIntegerField())
        filters = models.JSONField()

        class Meta:
            app_label = "transfers"

    return Watch


def note() -> type[Model]:
    class Note(models.Model):
        about_kind = models.CharField(max_length=20)
        about_id = models.CharField(max_length=20)
        written_by = models.CharField(max_length=254)

        class Meta:
            app_label = "transfers"
            constraints = [models.UniqueConstraint("about_kind", "about_id", name="note_once")]

    return Note
