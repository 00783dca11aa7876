"""Errors that no pair is at fault for, such as a missing right on a table, end the transfer at once.

Otherwise each of 2,000 pairs would be tried, to fail with the same error. The rule, in two steps:

1. A batch without pairs is run. It compiles and executes every statement, without rows. If that fails with the same
   error, no pair can succeed, unless a trigger failed: a batch of other pairs may please it.
2. An error in a trigger needs pairs. If it is the one of step 1, or an error in the trigger's own statements (class 42,
   such as an undefined setting), no pair of the transfer has succeeded, and the first, the middle and the last pair of
   the batch each fail with the same error when run alone, it is taken for an error of all pairs.

All remaining pairs then fail with the reason. Nothing was changed for them, and they can be retried.

Neither step is taken for errors in records (classes 22 and 23, control totals), or for temporary ones (the pair is
retried, or the transfer pauses). A trigger's RAISE of its own (P0001) refuses single records, unless it is raised
without rows too.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import psycopg
from django.db import transaction

from tenancy.postgresql.transient_errors import database_error, is_transient
from transfers.engine.batch import Run, pair_with_users, record_failure, run_batch
from transfers.engine.completion import fail_pending
from transfers.engine.failures.causes import functions_of, is_in_function
from transfers.engine.failures.reasons import Failure, explain, is_beyond_pairs
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.engine.verification.self_edges import SelfEdgesRefused
from transfers.models import PairState, Transfer, TransferPair

log = logging.getLogger(__name__)

NOT_TRIED = "Every pair that was tried failed in this way, so the remaining pairs were not tried."


def end_if_shared(transfer: Transfer, batch: Sequence[int], error: Exception, run: Run | None) -> bool:
    """Fail all remaining pairs if the error of this batch is not that of a pair, and return whether it is not.

    Raises an error that pauses the transfer, if one occurs meanwhile.
    """
    if not may_be_shared(error):
        return False
    failure = shared_failure(transfer, batch, error, run)
    if failure is None:
        return False
    failed = fail_pending(transfer.pk, replace(failure, reason=f"{failure.reason} {NOT_TRIED}"))
    log.error("transfer=%s pairs=%s failed together: %s", transfer.pk, failed, failure.code)
    return True


def may_be_shared(error: Exception) -> bool:
    of_records = isinstance(database_error(error), psycopg.IntegrityError | psycopg.DataError)
    return not (of_records or isinstance(error, TotalsMismatch | SelfEdgesRefused) or is_transient(error))


def shared_failure(
    transfer: Transfer, batch: Sequence[int], error: Exception, run: Run | None
) -> Failure | None:
    """Return the failure of all pairs by the two steps, or None if the error may be that of a pair."""
    without_pairs, cause = same_without_pairs(transfer, error, run), database_error(error)
    if cause is None or not is_in_function(cause):
        return explain(without_pairs) if without_pairs else None
    if without_pairs or (cause.sqlstate or "").startswith("42"):
        return failure_of_samples(transfer, batch, error, run)
    return None


def same_without_pairs(transfer: Transfer, error: Exception, run: Run | None) -> Exception | None:
    """Run a batch without pairs and roll it back. Return its error, which names the data type, if it is the same."""
    with transaction.atomic():
        own = error_of(transfer, [], run)
        transaction.set_rollback(True)
    return own if own and fingerprint(own) == fingerprint(error) else None


def failure_of_samples(
    transfer: Transfer, batch: Sequence[int], error: Exception, run: Run | None
) -> Failure | None:
    """Run three pairs of the batch alone, and return their failure if all fail with this error, else None.

    Samples that fail in this way are recorded, so no pair is run twice.
    """
    if len(batch) < 3 or any_succeeded(transfer):
        return None
    failure = None
    for pair_id in (batch[0], batch[len(batch) // 2], batch[-1]):
        own = error_of(transfer, [pair_id], run)
        if own is None or fingerprint(own) != fingerprint(error):
            return None
        failure = explain(own, pair_with_users(pair_id))
        record_failure(pair_id, failure)
    return failure


def fingerprint(error: Exception) -> tuple[object, ...]:
    """Return what identifies an error, whichever pairs it occurs with."""
    cause = database_error(error)
    if cause is None:
        return type(error).__name__, str(error)
    return cause.sqlstate, cause.diag.message_primary, *functions_of(cause)


def any_succeeded(transfer: Transfer) -> bool:
    return TransferPair.objects.filter(transfer=transfer, state=PairState.SUCCEEDED).exists()


def error_of(transfer: Transfer, pair_ids: Sequence[int], run: Run | None) -> Exception | None:
    """Run a batch with `run` or `run_batch`, and return its error, or None. Raises errors that pause the transfer."""
    try:
        (run or run_batch)(transfer, pair_ids)
    except Exception as error:
        if is_beyond_pairs(error):
            raise
        return error
    return None
