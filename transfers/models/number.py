from django.db import connection, models

from tenancy.models import Tenant

NEXT_NUMBER = """
INSERT INTO transfers_lastnumber AS counter (tenant_id, number) VALUES (%s, 1)
ON CONFLICT (tenant_id) DO UPDATE SET number = counter.number + 1
RETURNING number
"""


class LastNumber(models.Model):
    """The number of a tenant's newest transfer (docs/decisions/transfer-numbers.md).

    It is not read from the transfers, because housekeeping deletes discarded ones, and their numbers stay in the audit
    log.
    """

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    number = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.number} of tenant {self.tenant_id}"


def next_number(tenant_id: int) -> int:
    """Return the number for a new transfer. Other new transfers of the tenant wait until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [tenant_id])
        return int(cursor.fetchone()[0])
