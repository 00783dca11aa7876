"""`python -m tests.upgrade.finish`: a worker of this code ends the transfer that waited before the upgrade."""

import django

django.setup()

from transfers.engine.worker import work_on  # noqa: E402
from transfers.models import State, Transfer  # noqa: E402

if __name__ == "__main__":
    waiting = Transfer.objects.get(state=State.QUEUED)
    while work_on(waiting.pk):
        pass
    waiting.refresh_from_db()
    assert waiting.state == State.SUCCEEDED, waiting.state
