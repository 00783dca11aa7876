from django.db import models

from tenancy.models import Tenant


class Team(models.Model):
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="teams")
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint("tenant", "name", name="team_name_unique_in_tenant"),
        ]

    def __str__(self) -> str:
        return self.name
