"""Every kind of owner."""

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
    """A column and a list in a document, both of users."""

    asked_by = user_key()
    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="petition_document")]


class Subscription(models.Model):
    """A list of ids that are written as text, deeper in the document."""

    document = models.JSONField(null=True)

    class Meta:
        indexes = [GinIndex("document", name="subscription_document")]


class Attachment(models.Model):
    """References a user or something else, depending on the kind."""

    kind = models.CharField(max_length=10)
    object_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint("object_id", "kind", "name", name="attachment_once")]


class Kiosk(models.Model):
    """The same with the id as text."""

    kind = models.CharField(max_length=10)
    object_id = models.CharField(max_length=20)
    name = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [models.Index("object_id", "kind", name="kiosk_object")]


class Badge(models.Model):
    """Knows the user by the employee ID, which is unique in its tenant only."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    employee_id = models.CharField(max_length=64)
    door = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("employee_id", "tenant", "door", name="small_badge_once")]


class Login(models.Model):
    """Knows the user by the user name, which a user of another tenant may have had before."""

    tenant = models.ForeignKey("tenancy.Tenant", models.PROTECT, related_name="+")
    username = models.CharField(max_length=254, db_index=True)
    at = models.IntegerField(default=0)


class OtherSystem(models.Model):
    """A table of another system, with its own column names."""

    record = models.BigAutoField(primary_key=True, db_column="rec_no")
    agent = models.ForeignKey(
        "accounts.User", models.DO_NOTHING, related_name="+", db_column="AGENT_NO", db_constraint=False
    )
    code = models.CharField(max_length=10, db_column="code")

    class Meta:
        managed = False
        db_table = "other_system records"
