"""Run pairs of a draft with the engine's own code, and roll everything back."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from transfers.engine.batch import run_batch
from transfers.engine.failures.reasons import Failure
from transfers.engine.stage import Counts
from transfers.engine.worker import run_isolated
from transfers.models import PairState, Transfer, TransferPair
from transfers.rehearsal.report import Result
from transfers.rehearsal.table_locks import Locks, add_locks, locked_tables

# The fields of a TransferPair in `Rehearsal.pairs`.
PAIR_FIELDS = (
    "row_number",
    "source_id",
    "target_id",
    "source_name",
    "target_name",
    "warnings",
    "weight",
    "chunk",
)
# Numbers of stand-ins, above all that are counted: a counted one would make every new transfer of the tenant wait until
# the transaction ends.
FIRST_STAND_IN = 2**62


class Trial:
    """Runs batches and rolls each of them back, as `run_isolated` and `end_if_shared` call it.

    `counts` holds the numbers by pair ID, `locks` the locks of the batches so far.
    """

    def __init__(self) -> None:
        self.counts: dict[int, Counts] = {}
        self.locks: Locks = {}

    def run(self, transfer: Transfer, pair_ids: Sequence[int]) -> None:
        """Run a batch as `run_batch` does, roll it back, and mark its pairs with their results.

        The batch runs in a savepoint of its own. Rolling back to it releases the locks, restores the modes of deferred
        constraints, and hides the changes from the next batch. The constraints were checked before: a batch sets
        them to immediate before it verifies its numbers.
        """
        began = time.monotonic()
        with transaction.atomic():
            run_batch(transfer, pair_ids)
            add_locks(self.locks, locked_tables(), time.monotonic() - began)
            done = list(TransferPair.objects.filter(pk__in=pair_ids).exclude(state=PairState.PENDING))
            transaction.set_rollback(True)
        for pair in done:
            self.keep(pair)

    def keep(self, pair: TransferPair) -> None:
        """Write the result again that was rolled back with the batch."""
        self.counts[pair.pk] = pair.counts
        pair.save(update_fields=["state", "code", "reason", "remedy", "data_type"])


def rehearse_pairs(
    draft: Transfer, pairs: Sequence[Mapping[str, Any]], deadline: float
) -> tuple[list[Result], Locks]:
    """Try the pairs as a worker transfers a batch, and isolate those that fail. Return their results and the locks.

    Pairs that are left at the deadline have no result. Raises errors that pause a transfer. In the end, the transaction
    is rolled back, with the transfer and the pairs, which are thus visible to no other connection.
    """
    trial = Trial()
    with transaction.atomic():
        transfer = stand_in_for(draft)
        made = TransferPair.objects.bulk_create(stand_in_pair(transfer, pair) for pair in pairs)
        run_isolated(transfer, [pair.pk for pair in made], deadline, run=trial.run)
        results = [result_of(pair, trial) for pair in transfer.pairs.exclude(state=PairState.PENDING)]
        transaction.set_rollback(True)
    return results, trial.locks


def stand_in_for(draft: Transfer) -> Transfer:
    """Create a copy of the draft, which only this transaction sees.

    Pairs of the draft itself would lock its row, and so every change of the draft, until the end of the transaction.
    The copy is a draft too, without participants, so its users do not become busy.
    """
    return Transfer.objects.create(
        tenant_id=draft.tenant_id,
        number=FIRST_STAND_IN + draft.number,
        kind=draft.kind,
        keeps_target=draft.keeps_target,
        requested_by_id=draft.requested_by_id,
        requested_by_name=draft.requested_by_name,
    )


def stand_in_pair(transfer: Transfer, pair: Mapping[str, Any]) -> TransferPair:
    """Return a pair as a worker has claimed it, with its first attempt counted."""
    return TransferPair(transfer=transfer, attempts=1, **{name: pair[name] for name in PAIR_FIELDS})


def result_of(pair: TransferPair, trial: Trial) -> Result:
    if pair.state == PairState.FAILED:
        return Result(pair.row_number, {}, Failure(pair.code, pair.reason, pair.remedy, pair.data_type))
    return Result(pair.row_number, trial.counts[pair.pk])
