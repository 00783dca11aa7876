from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.user import User
from accounts.permissions import Permission
from tenancy.models import Tenant


class Role(models.Model):
    """A named list of permissions in one tenant."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="roles")
    name = models.CharField(max_length=100)
    permissions = ArrayField(models.CharField(max_length=40, choices=Permission.choices), default=list)
    people = models.ManyToManyField(User, through="RoleAssignment", related_name="roles")

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="role_name_unique_in_tenant")]

    def __str__(self) -> str:
        return self.name


class RoleAssignment(models.Model):
    role = models.ForeignKey(Role, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, models.CASCADE, related_name="role_assignments")

    class Meta:
        constraints = [models.UniqueConstraint("user", "role", name="role_assigned_once")]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.role_id}"
