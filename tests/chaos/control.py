"""The pairs that succeeded once more, undisturbed: `python -m tests.chaos.control < batches.json`.

DATABASE_URL names a database with the bytes from before the transfer. The batches are those of the transfer, in the
order in which they were committed: two pairs may share a row, and then the order is part of the result.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import django


def main() -> None:
    django.setup()
    replay(json.load(sys.stdin))


def replay(batches: Sequence[Sequence[dict[str, Any]]]) -> None:
    """Each pair: {"source": id, "target": id, "row_number": n, "warnings": [code, ...]}."""
    from transfers.engine.batch import run_batch
    from transfers.models import PairState

    transfer = transfer_without_a_worker()
    for batch in batches:
        run_batch(transfer, [add_pair(transfer, **pair) for pair in batch])
    left = transfer.pairs.exclude(state=PairState.SUCCEEDED)
    if left.exists():
        sys.exit(f"undisturbed, these were not transferred: {list(left.values_list('source', 'reason'))}")


def transfer_without_a_worker() -> Any:
    from django.utils import timezone

    from accounts.models import User
    from transfers.models import Kind, State, Transfer

    admin = User.objects.get(username="admin")
    return Transfer.objects.create(
        tenant=admin.tenant,
        kind=Kind.BULK,
        state=State.RUNNING,
        requested_by=admin,
        requested_by_name=admin.name,
        confirmed_at=timezone.now(),
    )


def add_pair(transfer: Any, *, source: int, target: int, row_number: int, warnings: list[str]) -> int:
    made = transfer.pairs.create(
        source_id=source,
        target_id=target,
        row_number=row_number,
        warnings=warnings,
        source_name="-",
        target_name="-",
    )
    return int(made.pk)


if __name__ == "__main__":
    main()
