"""Repeat the successful pairs without faults: `python -m tests.harness.chaos.control < batches.json`.

DATABASE_URL names a copy of the database from before the transfer. Batches must be listed in the order in which they
were committed, because the result depends on that order if two pairs share a row.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import django


def main() -> None:
    django.setup()
    given = json.load(sys.stdin)
    replay(given["batches"], given["refused"])


def replay(batches: Sequence[Sequence[dict[str, Any]]], refused: Sequence[dict[str, Any]]) -> None:
    """Transfer the batches, and check that each refused pair fails again. If not, exit with a message.

    Each pair is {"source": id, "target": id, "row_number": n, "warnings": [code, ...]}. A refused pair violated a
    database constraint during the round, and also has a "reason", which must be the same here.
    """
    from transfers.engine.batch import run_batch
    from transfers.models import PairState

    transfer = transfer_without_a_worker()
    for batch in batches:
        run_batch(transfer, [add_pair(transfer, **pair) for pair in batch])
    unfinished = transfer.pairs.exclude(state=PairState.SUCCEEDED)
    if unfinished.exists():
        sys.exit(
            f"undisturbed, these were not transferred: {list(unfinished.values_list('source', 'reason'))}"
        )
    for pair in refused:
        reason = pair.pop("reason")
        found = refusal(transfer, add_pair(transfer, **pair))
        if found != reason:
            sys.exit(f"{pair} failed: {reason} Undisturbed: {found or 'it was transferred'}")


def refusal(transfer: Any, pair_id: int) -> str:
    """Try to transfer the pair, and return the reason why the database refused it, or "" if it was transferred."""
    from django.db import DatabaseError

    from transfers.engine.batch import run_batch
    from transfers.engine.failures.reasons import explain

    try:
        run_batch(transfer, [pair_id])
    except DatabaseError as error:
        return explain(error).reason
    return ""


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
