"""What is written of a pair is written of that pair alone, whatever else waits beside it."""

import pytest

from accounts.models import User
from tests.transfers import cast as transfers
from tests.transfers.cast import Cast
from transfers.engine.batch import record_failure, run_batch
from transfers.engine.failures import Failure
from transfers.models import AuditEvent, Kind, PairState, State, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(cast: Cast) -> Transfer:
    """Another transfer, of whose pair nothing is to be written."""
    return transfers.transfer(cast.otto, (cast.eli, cast.di), state=State.RUNNING)


def running(cast: Cast, *pairs: tuple[User, User]) -> Transfer:
    for source, _ in pairs:
        User.objects.filter(pk=source.pk).update(is_active=False)  # or it would carry a warning
    return transfers.transfer(cast.ada, *pairs, state=State.RUNNING, kind=Kind.BULK)


def test_a_failure_is_recorded_for_its_pair(cast: Cast, waiting: Transfer) -> None:
    transfer = running(cast, (cast.ana, cast.bo))
    pair = transfer.pairs.get()
    record_failure(pair.pk, Failure("constraint", "The reason.", "The remedy."))
    event = AuditEvent.objects.get(kind="pair-failed")
    assert (event.tenant_id, event.transfer_id, event.pair_id) == (cast.abacus.pk, transfer.pk, pair.pk)
    assert (event.details["source_id"], event.details["reason"]) == (cast.ana.pk, "The reason.")
    assert waiting.pairs.get().state == PairState.PENDING


def test_successes_are_recorded_in_the_order_of_the_file(cast: Cast, waiting: Transfer) -> None:
    transfer = running(cast, (cast.ana, cast.bo), (cast.cy, User.objects.get(pk=cast.vera.pk)))
    pairs = list(transfer.pairs.order_by("pk"))
    for pair, row_number in zip(pairs, (9, 4), strict=True):
        transfer.pairs.filter(pk=pair.pk).update(row_number=row_number)
    run_batch(transfer, [pair.pk for pair in pairs])
    events = AuditEvent.objects.filter(kind="pair-succeeded").order_by("pk")
    assert [event.pair_id for event in events] == [pair.pk for pair in reversed(pairs)]
    assert {event.transfer_id for event in events} == {transfer.pk}
    assert waiting.pairs.get().state == PairState.PENDING
