"""Celery tasks for transfers. A message carries only the id of a transfer or rehearsal; all else is in PostgreSQL.

A lost, repeated or late message does no harm: the recovery sweep sends another, and chunks are claimed in the database.
"""

import json
import logging
from typing import Any

import redis
from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from audit import chain
from audit.log_context import log_errors, transfer_log_context
from tenancy.context import all_tenants_context
from transfers.engine.completion import finish_if_done
from transfers.engine.locks import idle_transfers, workers_at
from transfers.engine.worker import work_on
from transfers.models import OPEN, Transfer
from transfers.models.transfer import in_its_tenant
from transfers.planning import background_counts
from transfers.rehearsal.worker import waiting_rehearsals, work_on_rehearsal
from transfers.results.late_arrivals import count_late, due

log = logging.getLogger(__name__)

LATE_COUNTS_PER_RUN = 20
NEWEST = 500  # the most waiting messages to read: if no worker is running, thousands may be waiting


@shared_task
def run_transfer(transfer_id: int) -> None:
    """Work on a transfer for about TRANSFER_TASK_SECONDS, then requeue it so that other transfers get a turn."""
    if workers_at(transfer_id) >= settings.TRANSFER_WORKERS:
        return  # there are enough workers, and each of them requeues the transfer
    with transfer_log_context(transfer_id):
        if work_on(transfer_id, seconds=settings.TRANSFER_TASK_SECONDS):
            wake(transfer_id, 1)
        else:
            chain.seal_all()


@shared_task
def run_rehearsal(rehearsal_id: int) -> None:
    """Work on a rehearsal for about TRANSFER_TASK_SECONDS, then requeue it so that transfers get a turn."""
    if work_on_rehearsal(rehearsal_id, seconds=settings.TRANSFER_TASK_SECONDS):
        wake_rehearsal(rehearsal_id)


@shared_task
def recovery_sweep() -> None:
    """Finish or requeue what has no worker, and seal the audit events that are not sealed yet."""
    with all_tenants_context():
        waiting = list(Transfer.objects.filter(state__in=OPEN).order_by("pk").values_list("pk", flat=True))
    for transfer_id in idle_transfers(waiting):
        with log_errors(log, "transfer=%s: recovery sweep failed", transfer_id):
            with in_its_tenant(transfer_id):
                is_over = finish_if_done(transfer_id)
            if not is_over:
                wake(transfer_id)
    for rehearsal_id in waiting_rehearsals():
        wake_rehearsal(rehearsal_id)
    chain.seal_all()


@shared_task
def look_for_late_arrivals() -> None:
    """Recount late arrivals (records added after a transfer) of the transfers whose count is due."""
    with all_tenants_context():
        waiting = due(LATE_COUNTS_PER_RUN)
    for transfer_id in waiting:
        with (
            log_errors(log, "transfer=%s: late arrivals could not be counted", transfer_id),
            in_its_tenant(transfer_id),
        ):
            count_late(transfer_id)


@shared_task
def count_late_arrivals(transfer_id: int) -> None:
    """Recount the late arrivals of one transfer for a person who has its page open."""
    with in_its_tenant(transfer_id):
        count_late(transfer_id)


def ask_for_late_arrivals(transfer_id: int) -> bool:
    """Queue a recount of late arrivals. Return False if Redis is unreachable; the page then counts them."""
    try:
        count_late_arrivals.delay(transfer_id)
    except OperationalError as error:
        log.warning("transfer=%s: the queue cannot be reached: %s", transfer_id, error)
        return False
    return True


@shared_task
def count_draft(transfer_id: int) -> None:
    """Count the records for one portion of a large draft, then requeue it so that other tasks get a turn."""
    with in_its_tenant(transfer_id):
        counted = background_counts.count_draft(transfer_id, portions=1)
    if counted:
        ask_to_count(transfer_id)


def ask_to_count(transfer_id: int) -> None:
    """Queue the counting of a draft. If Redis is unreachable, the preview page counts while it is open."""
    try:
        count_draft.delay(transfer_id)
    except OperationalError as error:
        log.warning(
            "transfer=%s: the queue cannot be reached; its preview page counts instead: %s",
            transfer_id,
            error,
        )


def wake(transfer_id: int, workers: int | None = None) -> None:
    """Queue `workers` messages, by default TRANSFER_WORKERS. Each message occupies one worker.

    At most TRANSFER_WORKERS messages wait per transfer: each run requeues the transfer, so extra messages would
    circulate until it ends and delay other transfers. If Redis is unreachable, the recovery sweep tries again later.
    """
    try:
        free = settings.TRANSFER_WORKERS - waiting_messages(run_transfer.name, transfer_id)
        for _ in range(min(free, workers or free)):
            run_transfer.delay(transfer_id)
    except (OperationalError, redis.RedisError) as error:
        log.warning(
            "transfer=%s: the queue cannot be reached; the recovery sweep will wake it: %s",
            transfer_id,
            error,
        )


def wake_rehearsal(rehearsal_id: int) -> None:
    """Queue a rehearsal, unless its message already waits. If Redis is unreachable, the recovery sweep tries again."""
    try:
        if not waiting_messages(run_rehearsal.name, rehearsal_id):
            run_rehearsal.delay(rehearsal_id)
    except (OperationalError, redis.RedisError) as error:
        log.warning(
            "rehearsal=%s: the queue cannot be reached; the recovery sweep will wake it: %s",
            rehearsal_id,
            error,
        )


def waiting_messages(task: str, its_id: int) -> int:
    """Return how many messages in Celery's queue are for this task and ID. Raises redis.RedisError.

    The queue is a Redis list of JSON messages, newest first.
    """
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
        messages = client.lrange(settings.CELERY_TASK_DEFAULT_QUEUE, 0, NEWEST - 1)
    wanted = (task, repr((its_id,)))
    return sum(call_of(message) == wanted for message in messages)


def call_of(message: bytes) -> tuple[Any, Any]:
    """Return the task and the arguments in a message, or (None, None) if it is malformed."""
    try:
        headers = json.loads(message)["headers"]
        return headers["task"], headers["argsrepr"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None, None
