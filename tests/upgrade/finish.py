"""`python -m tests.upgrade.finish`: a worker of this code ends what waited before the upgrade, and the audit log is
verified. As the application, which needs the wall and its rights for both."""

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts import wall  # noqa: E402
from transfer_site.embedded import APPLICATION  # noqa: E402
from transfers.engine.worker import work_on  # noqa: E402
from transfers.models import State, Transfer  # noqa: E402

if __name__ == "__main__":
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APPLICATION,)
    with wall.every_tenant():
        waiting = list(Transfer.objects.filter(state=State.QUEUED).values_list("pk", flat=True))
    for transfer_id in waiting:
        while work_on(transfer_id):
            pass
    call_command("verify_audit")
