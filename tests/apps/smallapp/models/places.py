"""Tables for every kind of owner declaration."""

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from tests.apps.smallapp.models.users import user_key


class Watchlist(models.Model):
    name = models.CharField(max_length=20, blank=True)
    users = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        indexes = [GinIndex("users", name="watchlist_users")]


class Petition(models.Model):
    """A row with a user column and with a list of users in a JSON document."""

    asked_by = user_key()
    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="petition_document")]


class Subscription(models.Model):
    """A JSON document that stores user IDs as text in a nested list."""

    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="subscription_document")]


class Attachment(models.Model):
    """An attachment to a user or another object, depending on `kind`."""

    kind = models.CharField(max_length=10)
    object_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint("object_id", "kind", "name", name="attachment_once")]


class Kiosk(models.Model):
    """Like Attachment, but `object_id` is stored as text."""

    kind = models.CharField(max_length=10)
    object_id = models.CharField(max_length=20)
    name = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [models.Index("object_id", "kind", name="kiosk_object")]


class Pin(models.Model):
    """A row of a user or of any other object, by a generic foreign key."""

    content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    object_id = models.BigIntegerField()
    thing = GenericForeignKey()
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint("object_id", "content_type", "name", name="pin_once")]


class Badge(models.Model):
    """A row that references its user by employee ID, which is unique only within the tenant."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    employee_id = models.CharField(max_length=64)
    door = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("employee_id", "tenant", "door", name="small_badge_once")]


class Login(models.Model):
    """A row that references its user by user name. A user of another tenant may have had the same name before."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    username = models.CharField(max_length=254, db_index=True)
    at = models.IntegerField(default=0)


class OtherSystem(models.Model):
    """A table that another system creates. Its name and its column names do not follow Django's conventions."""

    record = models.BigAutoField(primary_key=True, db_column="rec_no")
    agent = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, related_name="+", db_column="AGENT_NO", db_constraint=False
    )
    code = models.CharField(max_length=10, db_column="code")

    class Meta:
        managed = False
        db_table = "other_system records"
