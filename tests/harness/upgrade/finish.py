"""Process the transfers queued before the upgrade, and verify the audit log: `python -m tests.harness.upgrade.finish`.

It runs as the application's database role, so it fails if the upgrade lost a policy or a grant that the role needs.
"""

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tenancy.context import all_tenants_context  # noqa: E402
from transfer_site.run.embedded import APPLICATION  # noqa: E402
from transfers.engine.worker import work_on  # noqa: E402
from transfers.models import State, Transfer  # noqa: E402

if __name__ == "__main__":
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APPLICATION,)
    with all_tenants_context():
        waiting = list(Transfer.objects.filter(state=State.QUEUED).values_list("pk", flat=True))
    for transfer_id in waiting:
        while work_on(transfer_id):
            pass
    call_command("verify_audit")
