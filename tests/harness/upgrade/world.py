"""Fill the database with data like a site in use: `python -m tests.harness.upgrade.world`.

The database then has two tenants, records of every type, an ended transfer with discarded rows and sealed audit events,
a queued transfer, and a draft with a preview.
"""

import django

django.setup()

from unittest.mock import patch  # noqa: E402

from allauth.account.models import EmailAddress  # noqa: E402
from allauth.mfa.models import Authenticator  # noqa: E402
from django.core.cache import cache  # noqa: E402

from accounts.models import AccessView, AccessViewUser  # noqa: E402
from accounts.people.user_import.models import UserImport  # noqa: E402
from audit.chain import seal_all  # noqa: E402
from operations.models import Heartbeat, Mail, Operator  # noqa: E402
from tests.fixtures import records  # noqa: E402
from tests.fixtures.cast import (  # noqa: E402
    Cast,
    signed_in,
)
from tests.fixtures.running import (  # noqa: E402
    confirm,
    run_bulk,
    upload,
)
from transfers.models import State, Transfer  # noqa: E402


def fill() -> None:
    cast = Cast()
    for person in (cast.ana, cast.bo, cast.cy, cast.di, cast.eli):
        records.everything(person, 2)
    ended = run_bulk(cast.ada, (cast.ana, cast.bo))
    assert ended.state == State.SUCCEEDED
    seal_all()
    waiting = confirm(upload(cast.ada, (cast.cy, cast.di)), cast.ada)
    upload(cast.ada, (cast.eli, 7000777))
    Mail.objects.create(transfer_id=ended.pk)
    Heartbeat.objects.create(name=Heartbeat.WORKER)
    Operator.objects.create(user=cast.vera)
    UserImport.objects.create(made_by=cast.vera, file_name="users.csv", rows=[])
    AccessViewUser.objects.create(view=AccessView.objects.get(name="Support only"), user=cast.eli)
    Authenticator.objects.create(user=cast.ada, type=Authenticator.Type.TOTP, data={})
    EmailAddress.objects.create(user=cast.ada, email=cast.ada.email)
    cache.set("number", 1)
    signed_in(cast.ada)
    assert Transfer.objects.get(pk=waiting.pk).state == State.QUEUED


if __name__ == "__main__":
    with patch("transfers.tasks.wake"), patch("transfers.tasks.ask_to_count"):
        fill()
