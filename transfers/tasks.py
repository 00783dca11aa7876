"""Wake-ups. A message carries a transfer's id and nothing else; what is to be done stands in PostgreSQL.

A message that is lost, repeated or late does no harm: the sweep sends another, and chunks are claimed in the database.
"""

import logging

import redis
from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from accounts import wall
from transfers import audit_chain, counting, queue
from transfers.audit_verification import in_words, tenants_to_verify, verify
from transfers.engine.locks import without_a_worker, workers_at
from transfers.engine.settle import settle
from transfers.engine.worker import work_on
from transfers.late import count_late, due
from transfers.log_context import about, apart
from transfers.models import OPEN, Transfer
from transfers.models.transfer import behind_its_wall

log = logging.getLogger(__name__)

LOOKED_AT_IN_TURN = 20


@shared_task
def run_transfer(transfer_id: int) -> None:
    """Work on a transfer for about TRANSFER_TASK_SECONDS, then let others have a turn."""
    if workers_at(transfer_id) >= settings.TRANSFER_WORKERS:
        return  # they ask for their next turn themselves
    with about(transfer_id):
        if work_on(transfer_id, seconds=settings.TRANSFER_TASK_SECONDS):
            wake(transfer_id, 1)
        else:
            audit_chain.seal_all()


@shared_task
def sweep() -> None:
    """Wake every open transfer that nobody is working on, and seal what the audit log was given."""
    with wall.every_tenant():
        waiting = list(Transfer.objects.filter(state__in=OPEN).order_by("pk").values_list("pk", flat=True))
    for transfer_id in without_a_worker(waiting):
        with apart(log, "transfer=%s: the sweep", transfer_id):
            with behind_its_wall(transfer_id):
                is_over = settle(transfer_id)
            if not is_over:
                wake(transfer_id)
    audit_chain.seal_all()


@shared_task
def verify_audit() -> None:
    """Once a day: is the audit log what it was? The page of the log shows the result, and the logs an error."""
    for tenant_id in tenants_to_verify():
        with apart(log, "tenant=%s: the audit log cannot be verified", tenant_id):
            found = verify(tenant_id)
            log.log(logging.ERROR if found.wrong else logging.INFO, "%s", in_words(found))


@shared_task
def look_for_late_arrivals() -> None:
    """Once a minute: look again at the transfers whose turn it is."""
    with wall.every_tenant():
        waiting = due(LOOKED_AT_IN_TURN)
    for transfer_id in waiting:
        with apart(log, "transfer=%s: late arrivals", transfer_id), behind_its_wall(transfer_id):
            count_late(transfer_id)


@shared_task
def count_late_arrivals(transfer_id: int) -> None:
    """Somebody looks at the page of this transfer."""
    with behind_its_wall(transfer_id):
        count_late(transfer_id)


def ask_for_late_arrivals(transfer_id: int) -> bool:
    """False without Redis; the page then looks by itself."""
    try:
        count_late_arrivals.delay(transfer_id)
    except OperationalError as error:
        log.warning("transfer=%s: the queue cannot be reached: %s", transfer_id, error)
        return False
    return True


@shared_task
def count_draft(transfer_id: int) -> None:
    """Count a portion of what a large draft would do, then let others have a turn."""
    with behind_its_wall(transfer_id):
        counted = counting.count_draft(transfer_id, portions=1)
    if counted:
        ask_to_count(transfer_id)


def ask_to_count(transfer_id: int) -> None:
    """Without Redis the preview counts by itself while somebody looks at it."""
    try:
        count_draft.delay(transfer_id)
    except OperationalError as error:
        log.warning(
            "transfer=%s: the queue cannot be reached, its preview will count: %s", transfer_id, error
        )


def wake(transfer_id: int, workers: int | None = None) -> None:
    """Ask for so many workers, and for no more than may drain one transfer together, whoever asked before.

    Each turn asks for the next one, so that messages beyond these would never end: they would go round, and others
    would wait behind them. Without Redis nothing is lost but time: the sweep asks again.
    """
    try:
        free = settings.TRANSFER_WORKERS - queue.waiting(run_transfer.name, transfer_id)
        for _ in range(min(free, workers or free)):
            run_transfer.delay(transfer_id)
    except (OperationalError, redis.RedisError) as error:
        log.warning(
            "transfer=%s: the queue cannot be reached, the sweep will wake it: %s", transfer_id, error
        )
