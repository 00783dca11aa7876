from django.db import models


class CurrentTenant(models.Func):
    """SQL for the id of the connection's tenant (`tenancy.context`); NULL if all tenants or none are visible."""

    template = "nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint"
    output_field = models.BigIntegerField()


class Tenant(models.Model):
    """One customer organisation. No data ever moves from one tenant to another.

    allows_identifiers: cells of people.csv that should hold a user ID may hold an email, user name or employee ID.
    """

    name = models.CharField(max_length=200, unique=True)
    allows_identifiers = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
