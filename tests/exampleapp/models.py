from django.db import models

from accounts.models import Tenant, User


class Headset(models.Model):
    """A headset on loan. Nobody needs two of the same model."""

    holder = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    model_name = models.CharField(max_length=50)
    lent_at = models.DateTimeField()
    inspected_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("holder", "model_name", name="headset_once_a_holder")]


class DoorEvent(models.Model):
    """A line of the door system's log. The table is that system's; it knows people by their employee ID."""

    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, related_name="+", db_constraint=False)
    employee_no = models.CharField(max_length=64)
    door = models.CharField(max_length=50)
    opened_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "door_log"
