"""Fills a database as a site in use would have it: `python -m tests.upgrade.world` in the environment of that site.

Two tenants, records of every type, a transfer that has ended with discarded rows, one that waits, and a preview.
"""

import django

django.setup()

from unittest.mock import patch  # noqa: E402

from operations.models import Heartbeat, Mail, Operator  # noqa: E402
from tests.transfers import records  # noqa: E402
from tests.transfers.cast import Cast  # noqa: E402
from tests.transfers.running import confirm, run_bulk, upload  # noqa: E402
from transfers.models import DiscardedRow, DraftRow, State, Transfer  # noqa: E402


def fill() -> None:
    cast = Cast()
    for person in (cast.ana, cast.bo, cast.cy, cast.di, cast.eli):
        records.everything(person, 2)
    ended = run_bulk(cast.ada, (cast.ana, cast.bo))
    assert ended.state == State.SUCCEEDED
    waiting = confirm(upload(cast.ada, (cast.cy, cast.di)), cast.ada)
    upload(cast.ada, (cast.eli, 777))
    Mail.objects.create(transfer_id=ended.pk)
    Heartbeat.objects.create(name=Heartbeat.WORKER)
    Operator.objects.create(user=cast.vera)
    assert DiscardedRow.objects.exists()
    assert DraftRow.objects.exists()
    assert Transfer.objects.get(pk=waiting.pk).state == State.QUEUED


if __name__ == "__main__":
    with patch("transfers.tasks.wake"), patch("transfers.tasks.ask_to_count"):
        fill()
