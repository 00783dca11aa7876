"""Undo the transfer of a round, and check that all records are as they were before the transfer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db import connection

from tests.harness.chaos import late
from tests.harness.chaos.checker import tables_that_differ
from tests.harness.chaos.ground import LIVE, TEMPLATE, Ground
from tests.harness.chaos.late import LateRow
from tests.harness.chaos.world import Bulk, confirm
from transfers import actions
from transfers.models import Transfer, TransferPair
from transfers.results.undo import pairs_to_undo


def confirmed_undo(bulk: Bulk, chunk: int | None) -> Bulk | None:
    """Confirm the undo of all pairs, or return None if none was transferred."""
    connection.close()
    transfer = Transfer.objects.get(pk=bulk.transfer.pk)
    if not pairs_to_undo(transfer).exists():
        return None
    return confirmed(bulk, actions.undo(by=transfer.requested_by, transfer=transfer), chunk)


def confirmed_retry(undo: Bulk) -> Bulk | None:
    """Confirm the pairs that were not undone once more, or return None if there are none."""
    connection.close()
    ended = Transfer.objects.get(pk=undo.transfer.pk)
    draft = actions.retry(by=ended.requested_by, transfer=ended)
    return None if draft == ended else confirmed(undo, draft, None)


def confirmed(bulk: Bulk, draft: Transfer, chunk: int | None) -> Bulk:
    transfer = confirm(draft, chunk)
    pairs = transfer.pairs.order_by("row_number").values_list("source_id", "target_id")
    return replace(bulk, transfer=transfer, pairs=list(pairs))


def violations(ground: Ground, transfer_id: int, written: Sequence[LateRow]) -> Iterator[str]:
    """Yield a sentence for each pair that is not undone, and for each row that is not as before the transfer."""
    left = TransferPair.objects.filter(undoes__overlap=list(pairs_of(transfer_id)), state="failed")
    for number in pairs_to_undo(Transfer.objects.get(pk=transfer_id)).values_list("row_number", flat=True):
        yield f"row {number} could not be undone: {left.filter(row_number=number).values_list('reason', flat=True)}"
    with ground.connect(LIVE) as live, ground.connect(TEMPLATE) as before:
        for sentence in tables_that_differ(live, before):
            yield f"after the undo, {sentence}"
        yield from late.check_undone(live, written)


def pairs_of(transfer_id: int) -> Iterator[int]:
    return TransferPair.objects.filter(transfer_id=transfer_id).values_list("pk", flat=True).iterator()
