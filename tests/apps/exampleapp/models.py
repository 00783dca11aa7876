from django.db import models

from accounts.models import User
from tenancy.models import Tenant


class Headset(models.Model):
    """A headset on loan. A user holds at most one headset of each product model."""

    holder = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    model_name = models.CharField(max_length=50)
    lent_at = models.DateTimeField()
    inspected_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("holder", "model_name", name="headset_once_a_holder")]


class DoorEvent(models.Model):
    """A line of the door system's log. The table belongs to that system, which identifies users by employee ID."""

    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, related_name="+", db_constraint=False)
    employee_no = models.CharField(max_length=64)
    door = models.CharField(max_length=50)
    opened_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "door_log"
