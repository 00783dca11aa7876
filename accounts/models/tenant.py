from django.db import models


class CurrentTenant(models.Func):
    """The tenant whose rows the connection shows (`accounts.wall`); NULL where it shows those of all, or none."""

    template = "nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint"
    output_field = models.BigIntegerField()


class Tenant(models.Model):
    """One customer organisation. Nothing ever crosses tenants."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


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
