"""Predict what a transfer would do, using the same compiled rules as the run. Nothing is written to record tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, OperationalError, connection, transaction

from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.compiler.steps import sql_file
from transfers.engine.failures.reasons import StepFailed
from transfers.engine.stage import (
    Counts,
    StagedPair,
    apply_session_settings,
    compile_plans,
    disable_seqscan,
    execute,
    fetch_union,
    perform,
    prepare_journal,
    read_tally,
    set_stage,
    union_all,
    with_source_rows,
)

# With more pairs than this, the planner may choose sequential scans.
FEW_PAIRS = 500


def predict(pairs: Sequence[StagedPair], *, keep_target: bool = False) -> dict[int, Counts]:
    """Return, by pair key, the counts that each pair would have if it ran now. Pairs without rows are left out.

    The number of statements depends on the data types, not on the pairs or their rows. No records are locked.

    If the rows of a source cannot hold the target, the pair has only the number of these rows: as "unfit" if its ID is
    too large, as "misfit" or "shared" if it is another attribute (see `Totals`).

    keep_target: predict a transfer of late arrivals, which combines data types that are normally overwritten.
    """
    if not pairs:
        return {}
    with on_stage(pairs):
        plans = with_source_rows(compile_plans(keep_target=keep_target))
        take_out_unfit(plans)
        for plan in plans:
            predict_plan(plan)
        counts = read_tally()
    add_direct_outcomes(counts, plans)
    return counts


def predict_plan(plan: CompiledPlan) -> None:
    try:
        perform(plan.predict)
    except OperationalError:
        raise  # no data type is at fault, but the server or a time limit
    except DatabaseError as error:
        raise StepFailed(plan.data_type.key, "predict") from error


def take_out_unfit(plans: Iterable[CompiledPlan]) -> None:
    """Take out the pairs whose target a type with rows of the source cannot hold.

    Mapping such a row would raise an error, which would spoil the preview of all pairs.
    """
    misfits = union_all(plan.totals.misfits for plan in plans)
    if misfits:
        execute(sql_file("unfit").format(misfits=misfits))


def add_direct_outcomes(counts: Mapping[int, Counts], plans: Iterable[CompiledPlan]) -> None:
    """Add the outcomes of the direct types, which follow from the numbers of rows.

    Every row of the source moves; with Overwrite, the target's rows are replaced if the source has any.
    """
    direct = [plan.data_type for plan in plans if plan.totals.counts and not plan.resolves_conflicts]
    overwritten = {entry.key: entry.overwrites for entry in direct}
    for types in counts.values():
        for key, numbers in types.items():
            if key in overwritten and "source" in numbers:
                numbers["moved"] = numbers["source"]
                if overwritten[key] and "target" in numbers:
                    numbers["replaced"] = numbers["target"]


def rows_of_sources(pairs: Sequence[StagedPair]) -> dict[int, dict[str, int]]:
    """Return the current number of source rows by pair key and data type: `{pair: {"workforce.agentschedule": 3}}`.

    The rows are found with the same compiled owner conditions as in the run. Zeros are left out. No records are locked.
    """
    found: dict[int, dict[str, int]] = {}
    if pairs:
        with on_stage(pairs):
            for pair, data_type, n in fetch_union(plan.totals.source_rows for plan in compile_plans()):
                found.setdefault(pair, {})[data_type] = n
    return found


@contextmanager
def on_stage(pairs: Sequence[StagedPair]) -> Iterator[None]:
    with transaction.atomic():
        one_snapshot()
        prepare_journal(0)  # a key may depend on the time zone, and must be what it is in the run
        apply_session_settings()
        if len(pairs) <= FEW_PAIRS:
            disable_seqscan()
        set_stage(pairs)
        yield


def one_snapshot() -> None:
    """Make the transaction read all counts from one snapshot.

    The isolation level can be set only at the start of a transaction, so inside a savepoint it is left unchanged.
    """
    if not connection.savepoint_ids:
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
