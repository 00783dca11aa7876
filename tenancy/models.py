from django.db import models


class CurrentTenant(models.Func):
    """The tenant set on the connection (`tenancy.context`); NULL if all tenants or none are visible."""

    template = "nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint"
    output_field = models.BigIntegerField()


class Tenant(models.Model):
    """One customer organisation. No data ever crosses tenants."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
