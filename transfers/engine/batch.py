"""One batch of pairs in one transaction: all of its rows and everything that speaks of them, or nothing."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from psycopg import sql

from accounts import wall
from accounts.models import User
from transfers.engine import verify
from transfers.engine.compile import Plan
from transfers.engine.failures import Failure, StepFailed
from transfers.engine.locks import TURNS
from transfers.engine.recheck import refusals
from transfers.engine.stage import (
    BeyondTheWall,
    StagedPair,
    compile_plans,
    count_before,
    go_by_owner,
    perform,
    perform_at_once,
    set_stage,
)
from transfers.engine.steps import as_text, fill, sql_file
from transfers.models import PairState, Transfer, TransferPair

log = logging.getLogger(__name__)

# Longer than other people's writes take, shorter than a person's patience; the batch is then tried again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"
# Batches of one tenant touch rows that belong to several people one after the other: each would wait for the other's
# rows anyway, and two that met them in different orders would wait for ever. Freed by the end of the transaction. A
# turn may take minutes, and whoever waits for it is in nobody's way for longer: the time-out is for other programs.
ONE_AT_A_TIME = (
    f"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({TURNS} | %(tenant)s); {LOCK_TIMEOUT}"
)
# What the steps write down with each discarded row.
NAME_TRANSFER = "SELECT set_config('transfers.transfer', %(transfer)s::text, true)"


def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
    """Transfer those of the pairs that are still pending. Raises what went wrong, after nothing has been changed.

    Pairs that may not run any more are marked as failed and the others go on. The number of statements depends on
    the data types and not on the pairs or their rows.
    """
    began = time.monotonic()
    with wall.tenant(transfer.tenant_id), transaction.atomic():
        execute(LOCK_TIMEOUT)
        execute(NAME_TRANSFER, {"transfer": transfer.pk})
        go_by_owner()
        pairs = lock_pairs(pair_ids)
        set_stage(staged(pairs))
        execute(as_text(fill("lock_users", users=sql.Identifier(User._meta.db_table))))
        refused = refusals(transfer, pairs)
        if refused:
            for pair in pairs:
                if pair.pk in refused:
                    record_failure(pair.pk, refused[pair.pk])
        # Once more, now that the users are locked: what the records hold of them may have been changed while we waited.
        on_stage = set_stage(staged(pair for pair in pairs if pair.pk not in refused))
        if on_stage != len(pairs) - len(refused):
            raise BeyondTheWall(f"{len(pairs) - len(refused)} pairs may run and {on_stage} can be seen.")
        # A pair that stands alone runs step by step, so that its failure names the data type.
        move_records(transfer, at_once=len(pairs) > 1)
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        record_success(transfer)
    log.info("transfer=%s pairs=%s seconds=%.2f", transfer.pk, len(pair_ids), time.monotonic() - began)


def lock_pairs(pair_ids: Sequence[int]) -> list[TransferPair]:
    """The pairs nobody has finished, or marked as not to be started, in the meantime."""
    pending = TransferPair.objects.filter(pk__in=pair_ids, state=PairState.PENDING)
    return list(pending.order_by("pk").select_for_update(of=("self",)))


def staged(pairs: Iterable[TransferPair]) -> list[StagedPair]:
    return [StagedPair(pair.pk, pair.source_id, pair.target_id) for pair in pairs]


def move_records(transfer: Transfer, *, at_once: bool) -> None:
    """The types whose rows belong to one pair each come first, so that batches beside this one wait as late as can be.

    `at_once`: in two statements, of which an error does not say which step it was.
    """
    plans = compile_plans(keep_target=transfer.keeps_target)
    apart = [plan for plan in plans if not plan.shares_rows]
    shared = [plan for plan in plans if plan.shares_rows]
    before = run_plans(apart, transfer, at_once=at_once)
    execute(ONE_AT_A_TIME, {"tenant": transfer.tenant_id})
    before |= run_plans(shared, transfer, at_once=at_once)
    verify.check(plans, before)


def run_plans(plans: Sequence[Plan], transfer: Transfer, *, at_once: bool) -> verify.Holders:
    """Returns the control totals from before."""
    count_before(plans)
    before = verify.holders_before(plans)
    if at_once:
        perform_at_once(step for plan in plans for step in plan.run)
    else:
        for plan in plans:
            run_plan(plan, transfer)
    return before


def run_plan(plan: Plan, transfer: Transfer) -> None:
    for step in plan.run:
        try:
            perform([step], transfer.pk)
        except DatabaseError as error:
            raise StepFailed(plan.data_type.key, step.name) from error


def record_success(transfer: Transfer) -> None:
    execute(sql_file("record_success"))
    execute(sql_file("audit_success"), {"tenant": transfer.tenant_id, "transfer": transfer.pk})


def record_failure(pair_id: int, failure: Failure) -> None:
    """Mark a pair as failed and say so in the audit log; nothing if somebody else finished it first."""
    with transaction.atomic():
        pending = TransferPair.objects.filter(pk=pair_id, state=PairState.PENDING)
        changed = pending.update(
            state=PairState.FAILED,
            code=failure.code,
            reason=failure.reason,
            remedy=failure.remedy,
            data_type=failure.data_type,
            finished_at=Now(),
        )
        if changed:
            execute(sql_file("audit_failure"), {"pair": pair_id})


def execute(statement: str, parameters: Mapping[str, int] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
