"""Every kind of owner declaration."""

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
    """A user column, and a list of users in a document."""

    asked_by = user_key()
    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="petition_document")]


class Subscription(models.Model):
    """A nested list of IDs stored as text."""

    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="subscription_document")]


class Attachment(models.Model):
    """References a user or another object, depending on `kind`."""

    kind = models.CharField(max_length=10)
    object_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint("object_id", "kind", "name", name="attachment_once")]


class Kiosk(models.Model):
    """Like Attachment, with the ID as text."""

    kind = models.CharField(max_length=10)
    object_id = models.CharField(max_length=20)
    name = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [models.Index("object_id", "kind", name="kiosk_object")]


class Badge(models.Model):
    """References the user by employee ID, which is unique within the tenant only."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    employee_id = models.CharField(max_length=64)
    door = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("employee_id", "tenant", "door", name="small_badge_once")]


class Login(models.Model):
    """References the user by user name, which a user of another tenant may have had before."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    username = models.CharField(max_length=254, db_index=True)
    at = models.IntegerField(default=0)


class OtherSystem(models.Model):
    """A table of another system, which creates it with its own column names."""

    record = models.BigAutoField(primary_key=True, db_column="rec_no")
    agent = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, related_name="+", db_column="AGENT_NO", db_constraint=False
    )
    code = models.CharField(max_length=10, db_column="code")

    class Meta:
        managed = False
        db_table = "other_system records"
