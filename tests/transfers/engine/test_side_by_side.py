"""Two concurrent batches that touch the same rows, each on its own database connection."""

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import copy

import pytest
from django.db import connection

from accounts.models import User
from records.quality.models import Evaluation
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.running import confirm, upload
from transfers.engine.batch import run_batch
from transfers.models import PairState, Transfer

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 3
PEOPLE = 20
ROWS = 400  # per user


def evaluate_each_other(people: list[User]) -> None:
    """Create many rows with two users, one from each batch, so that the batches might lock rows in opposite orders."""
    rows = []
    for one, other in zip(people, reversed(people), strict=True):
        row = records.evaluation(records.call(one), evaluator=other, approver=one)
        rows += [copied(row) for _ in range(ROWS)]
    Evaluation.objects.bulk_create(rows)


def copied(row: Evaluation) -> Evaluation:
    twin = copy(row)
    twin.pk = None
    return twin


def run_in_a_thread(gate: threading.Barrier, transfer: Transfer, pair_ids: list[int]) -> Exception | None:
    try:
        connection.ensure_connection()
        gate.wait(30)
        run_batch(transfer, pair_ids)
    except Exception as error:
        return error
    finally:
        connection.close()
    return None


@pytest.mark.slow
@pytest.mark.parametrize("number", range(ROUNDS))
def test_batches_of_one_tenant_do_not_deadlock(cast: Cast, number: int) -> None:
    sources = [agent(cast.support, f"Source Number{n}") for n in range(PEOPLE)]
    targets = [agent(cast.support, f"Target Number{n}") for n in range(PEOPLE)]
    evaluate_each_other(sources)
    transfer = confirm(upload(cast.ada, *zip(sources, targets, strict=True)), cast.ada)
    pairs = list(transfer.pairs.order_by("pk").values_list("pk", flat=True))
    halves = [pairs[: PEOPLE // 2], pairs[PEOPLE // 2 :]]
    gate = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        errors = list(pool.map(lambda half: run_in_a_thread(gate, transfer, half), halves))
    assert errors == [None, None]
    assert transfer.pairs.filter(state=PairState.SUCCEEDED).count() == PEOPLE
    assert not Evaluation.objects.filter(evaluator__in=sources).exists()
    assert not Evaluation.objects.filter(approver__in=sources).exists()
