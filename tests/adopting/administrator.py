"""Create a tenant and its user `admin`, who may transfer, in a process that uses the database of a site."""

import django

if __name__ == "__main__":
    django.setup()

    from accounts.permissions import TRANSFER_ADMINISTRATOR
    from tenancy.context import all_tenants_context
    from tenancy.models import Tenant
    from tests.fixtures import cast

    with all_tenants_context():
        tenant = Tenant.objects.create(name="Our organisation")
        admin = cast.person(tenant, "Ada Admin", TRANSFER_ADMINISTRATOR, cast.enterprise_view(tenant))
        admin.username = "admin"
        admin.save()
