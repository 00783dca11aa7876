from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat

from accounts.models import User


def owner_key(**options: str) -> models.ForeignKey:
    return models.ForeignKey(User, models.DO_NOTHING, related_name="+", **options)


class Foreign(models.Model):
    class Meta:
        abstract = True
        managed = False


class Rota(Foreign):
    """Partitioned by its owner, who is part of the primary key: a moved row changes its partition."""

    pk = models.CompositePrimaryKey("owner_id", "slot")
    owner = owner_key()
    slot = models.IntegerField()
    note = models.CharField(max_length=20, blank=True)


class Booking(Foreign):
    """An exclusion constraint keeps the bookings of a user apart."""

    owner = owner_key()
    slot = models.IntegerField()


class Meter(Foreign):
    """Numbers of a user by day, with an identity column, a generated column and a deferrable unique constraint."""

    owner = owner_key()
    day = models.IntegerField()
    n = models.IntegerField()
    label = models.GeneratedField(
        expression=Concat(
            Cast(F("owner"), models.TextField()), Value(": "), Cast(F("n"), models.TextField())
        ),
        output_field=models.TextField(),
        db_persist=True,
    )


class Pledge(Foreign):
    """A deferred constraint trigger allows a user five pledges."""

    owner = owner_key()
    amount = models.IntegerField()


# The names have no outer quotation marks, because Django adds them.
class Case(Foreign):
    """In another schema, with a random primary key; the database deletes its files and their pages with it."""

    number = models.UUIDField(primary_key=True, db_column="Case No")
    owner = owner_key(db_column="Owner")
    title = models.CharField(max_length=20, db_column="Title")

    class Meta(Foreign.Meta):
        db_table = 'Legacy CRM"."Open Cases'


class CaseFile(Foreign):
    case = models.ForeignKey(Case, models.CASCADE, db_column="Case No")

    class Meta(Foreign.Meta):
        db_table = 'Legacy CRM"."Case Files'


class CasePage(Foreign):
    file = models.ForeignKey(CaseFile, models.CASCADE, db_column="File")

    class Meta(Foreign.Meta):
        db_table = 'Legacy CRM"."Pages'
