"""Run one batch of pairs in one transaction: records, results and audit events are committed together or not at all."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from accounts.models import User
from tenancy.context import tenant_context
from tenancy.postgresql.transient_errors import is_transient
from transfers.engine.catalog.names import identifier
from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.compiler.steps import as_text, fill, sql_file
from transfers.engine.failures.reasons import Failure, StepFailed
from transfers.engine.failures.recheck import refusals
from transfers.engine.locks import TURNS
from transfers.engine.stage import (
    OutsideTenant,
    StagedPair,
    apply_session_settings,
    compile_plans,
    disable_seqscan,
    execute,
    lock_tables,
    perform,
    perform_at_once,
    prepare_journal,
    set_stage,
    with_source_rows,
)
from transfers.engine.undo.running import undo
from transfers.engine.undo.tables import UndonePair
from transfers.engine.verification.checking import check
from transfers.engine.verification.database import (
    Before,
    any_inserted,
    any_trigger_waits,
    counted,
    database_before,
    fire_deferred,
)
from transfers.engine.verification.misfits import refuse_misfits
from transfers.engine.verification.self_edges import refuse_self_edges
from transfers.engine.verification.totals import Numbers, holders_before
from transfers.models import PairState, Transfer, TransferPair
from transfers.models.journal_entry import FOR_UNDO

log = logging.getLogger(__name__)

# Longer than ordinary writes take, but short enough for someone watching the transfer. After a timeout the batch is
# retried.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"
# Serializes the batches of a tenant while they touch rows that belong to several users: batches that lock such rows in
# different orders would deadlock. The lock is released when the transaction ends. Another batch may hold it for some
# minutes, so the wait has no timeout; lock_timeout is meant for the locks of other programs.
ONE_AT_A_TIME = (
    f"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({TURNS} | %(tenant)s); {LOCK_TIMEOUT}"
)
CHECK_CONSTRAINTS = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
# If transfers of this installation cannot be undone, the journal keeps only the deleted rows. The other entries are not
# needed after the verification.
FORGET = """
DELETE FROM transfers_journalentry WHERE transfer_id = %(transfer)s AND what = ANY (%(what)s)
    AND pair_id IN (SELECT pair FROM transfer_stage)
"""

# Runs a batch of pairs: `run_batch`, or a rehearsal of it.
Run = Callable[[Transfer, Sequence[int]], None]


class DependentTypes(Exception):
    """The types with rows of several users cannot come after the others: rows or constraints connect them."""


def run_batch(transfer: Transfer, pair_ids: Sequence[int]) -> None:
    """Transfer the pairs that are still pending. On any error everything is rolled back and the error is raised.

    Pairs that may no longer run are marked as failed; the others are transferred. The number of statements depends on
    the data types, not on the pairs or their rows.
    """
    try:
        run_transaction(transfer, pair_ids)
    except DependentTypes:
        run_transaction(transfer, pair_ids, together=True)


def run_transaction(transfer: Transfer, pair_ids: Sequence[int], *, together: bool = False) -> None:
    began = time.monotonic()
    with tenant_context(transfer.tenant_id), transaction.atomic():
        execute(LOCK_TIMEOUT)
        prepare_journal(transfer.pk)
        apply_session_settings()
        disable_seqscan()
        pairs = lock_pairs(pair_ids)
        set_stage(staged(pairs))
        execute(as_text(fill("lock_users", users=identifier(User))))
        refused = refusals(transfer, pairs)
        if refused:
            for pair in pairs:
                if pair.pk in refused:
                    record_failure(pair.pk, refused[pair.pk])
        # Stage again now that the users are locked: their attributes may have changed while we waited for the locks.
        allowed = [pair for pair in pairs if pair.pk not in refused]
        staged_pairs = set_stage(staged(allowed))
        if staged_pairs != len(allowed):
            raise OutsideTenant(
                f"{len(allowed)} pairs may run, but only {staged_pairs} are visible in this tenant."
            )
        lock_tables()
        if transfer.is_undo:
            undo_records(transfer, allowed)
        else:
            # A single pair runs step by step, so that its failure names the data type.
            move_records(transfer, len(pairs), together=together)
        record_success(transfer)
    log.info("transfer=%s pairs=%s seconds=%.2f", transfer.pk, len(pair_ids), time.monotonic() - began)


def lock_pairs(pair_ids: Sequence[int]) -> list[TransferPair]:
    """Lock and return the pairs that are still pending."""
    pending = TransferPair.objects.filter(pk__in=pair_ids, state=PairState.PENDING)
    return list(pending.order_by("pk").select_for_update(of=("self",)))


def pair_with_users(pair_id: int) -> TransferPair:
    return TransferPair.objects.select_related("source", "target").get(pk=pair_id)


def staged(pairs: Iterable[TransferPair]) -> list[StagedPair]:
    return [StagedPair(pair.pk, pair.source_id, pair.target_id) for pair in pairs]


def move_records(transfer: Transfer, number: int, *, together: bool) -> None:
    """Run the plans for this number of staged pairs, and verify the result.

    Data types whose rows can belong to several users come last, so that the tenant's lock is held only briefly; or, if
    `together`, one after the other with the lock held from the beginning. Raises `DependentTypes` if that is needed.

    The steps of several pairs are sent together, in two round trips; an error then does not tell which step failed.
    Without pairs, all steps are executed, to see whether an error is independent of the pairs (`failures.shared`).
    """
    plans = compile_plans(keep_target=transfer.keeps_target)
    unshared = [plan for plan in plans if not plan.shares_rows]
    shared = [plan for plan in plans if plan.shares_rows]
    database = database_before()
    if together:
        wait_for_turn(transfer)
        before = run_plans([*unshared, *shared], transfer, number)
    else:
        before = run_plans(unshared, transfer, number)
        check_independent(shared, database)
        wait_for_turn(transfer)
        before |= run_plans(shared, transfer, number)
    fire_deferred()
    refuse_self_edges(plans)
    check(plans, before, database)
    if not settings.UNDO_DAYS:
        execute(FORGET, {"transfer": transfer.pk, "what": list(FOR_UNDO)})


def check_independent(shared: Sequence[CompiledPlan], database: Before) -> None:
    """Check what is deferred, most of it foreign keys, before this batch makes others of its tenant wait.

    Raises `DependentTypes` if that fails, as it does if a deferred key compares rows of one user with shared ones that
    are still to be moved; if a trigger of another program waits for the end, which is not yet, or would wait; or if a
    trigger has inserted shared rows, which would be counted as if they had been there before.
    """
    tables = (plan.regclass[plan.data_type.model._meta.db_table] for plan in shared)
    before, now = database.counted, counted()
    if any_trigger_waits(before, now) or any_inserted(tables, before, now):
        raise DependentTypes
    try:
        execute(CHECK_CONSTRAINTS)
    except DatabaseError as error:
        if is_transient(error):
            raise
        raise DependentTypes from error


def undo_records(transfer: Transfer, pairs: Sequence[TransferPair]) -> None:
    """Take back what the undone pairs did, and verify the result. Pairs that cannot be undone are marked as failed."""
    database = database_before()
    wait_for_turn(transfer)
    undone = [UndonePair(pair.pk, pair.source_id, pair.target_id, tuple(pair.undoes)) for pair in pairs]
    for pair_id, failure in undo(undone, database, leave_changed=transfer.leaves_changed).items():
        record_failure(pair_id, failure)


def wait_for_turn(transfer: Transfer) -> None:
    execute(ONE_AT_A_TIME, {"tenant": transfer.tenant_id})


def run_plans(plans: Sequence[CompiledPlan], transfer: Transfer, number: int) -> Numbers:
    """Run the plans of the types with rows of a source, and return the control totals that were taken before."""
    if number:
        plans = with_source_rows(plans)
        refuse_misfits(plans)
    before = holders_before(plans)
    if number > 1:
        perform_at_once(step for plan in plans for step in plan.run)
    else:
        for plan in plans:
            run_plan(plan, transfer)
    return before


def run_plan(plan: CompiledPlan, transfer: Transfer) -> None:
    for step in plan.run:
        try:
            perform([step], transfer.pk)
        except DatabaseError as error:
            raise StepFailed(plan.data_type.key, step.name) from error


def record_success(transfer: Transfer) -> None:
    execute(sql_file("record_success"))
    audit = "audit_undone" if transfer.is_undo else "audit_success"
    execute(sql_file(audit), {"tenant": transfer.tenant_id, "transfer": transfer.number})


def record_failure(pair_id: int, failure: Failure) -> None:
    """Mark a pair as failed and audit it; do nothing if it is no longer pending."""
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
            execute(sql_file("audit_failure"), {"pairs": [pair_id]})
