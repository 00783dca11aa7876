"""What a transfer would do, counted by the same compiled rules that the run uses. Writes to no record table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
from transfers.engine.verify import rows_of_all

# Of more pairs than these the planner may read whole tables if it thinks that cheaper.
FEW_PAIRS = 500


def foretell(pairs: Sequence[StagedPair], *, keep_target: bool = False) -> dict[int, Counts]:
    """The counts of each pair if the transfer ran now, per pair key; pairs without any row are left out.

    The number of statements depends on the data types and not on the pairs or their rows. Takes no lock.
    keep_target: as for late arrivals.
    """
    if not pairs:
        return {}
    with on_stage(pairs):
        plans = compile_plans(keep_target=keep_target)
        count_before(plans)
        for plan in plans:
            perform(plan.foretell)
        return read_tally()


def rows_of_sources(pairs: Sequence[StagedPair]) -> dict[int, dict[str, int]]:
    """How many rows of each data type hold the source of each pair now, `{pair: {"workforce.agentschedule": 3}}`.

    Counted by the same compiled owners as the run's; pairs and types without any are left out. Takes no lock.
    """
    found: dict[int, dict[str, int]] = {}
    if pairs:
        with on_stage(pairs):
            for pair, data_type, n in rows_of_all(plan.held for plan in compile_plans()):
                found.setdefault(pair, {})[data_type] = n
    return found


@contextmanager
def on_stage(pairs: Sequence[StagedPair]) -> Iterator[None]:
    with transaction.atomic():
        one_snapshot()
        if len(pairs) <= FEW_PAIRS:
            go_by_owner()
        set_stage(pairs)
        yield


def one_snapshot() -> None:
    """All counts from one moment, where this is the first statement of its transaction."""
    if not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
