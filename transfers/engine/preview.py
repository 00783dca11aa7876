"""What a transfer would do, counted by the same compiled rules that the run uses. Writes to no record table."""

from collections.abc import Sequence

from django.db import connection, transaction

from transfers.engine.stage import (
    Counts,
    StagedPair,
    compile_plans,
    count_before,
    go_by_owner,
    perform,
    read_tally,
    set_stage,
)

# Of more pairs than these the planner may read whole tables if it thinks that cheaper.
FEW_PAIRS = 500


def foretell(pairs: Sequence[StagedPair]) -> dict[int, Counts]:
    """The counts of each pair if the transfer ran now, per pair key; pairs without any row are left out.

    The number of statements depends on the data types and not on the pairs or their rows. Takes no lock.
    """
    if not pairs:
        return {}
    with transaction.atomic():
        one_snapshot()
        if len(pairs) <= FEW_PAIRS:
            go_by_owner()
        set_stage(pairs)
        plans = compile_plans()
        count_before(plans)
        for plan in plans:
            perform(plan.foretell)
        return read_tally()


def one_snapshot() -> None:
    """All counts from one moment, where this is the first statement of its transaction."""
    if not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
