"""The ways in which a pair can fail, each with its reason and remedy."""

from dataclasses import dataclass

import psycopg
from django.db import DatabaseError
from psycopg.errors import ForeignKeyViolation, WithCheckOptionViolation

from tenancy.postgresql.transient_errors import (
    database_error,
    is_lost_connection,
    is_server_trouble,
    is_transient,
)
from transfers.engine.catalog.names import parts_of
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.failures.causes import is_in_function, read_cause
from transfers.engine.failures.refusals import ASK_ADMINISTRATOR, in_words
from transfers.engine.failures.upgrades import is_upgrade_under_way
from transfers.engine.verification.misfits import MisfitRefused
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.engine.verification.self_edges import SelfEdgesRefused
from transfers.models import TransferPair
from transfers.registry import by_key
from transfers.rules import Combine, DataType, Overwrite, Rename
from wording.display_text import safe


@dataclass(frozen=True)
class Failure:
    """Why a pair failed.

    `code` is stable, `reason` says what failed and where, `remedy` is the next step, and `data_type` is the key of the
    data type that failed, or "".
    """

    code: str
    reason: str
    remedy: str
    data_type: str = ""


class StepFailed(DatabaseError):
    """A step of a data type failed; `__cause__` is the database error."""

    def __init__(self, data_type: str, step: str) -> None:
        self.data_type = data_type
        super().__init__(f"step {step} of {data_type} failed")


WORKER_DIED = Failure(
    "worker-died",
    "The worker process, or its connection to the database, was lost during the third and last attempt at this pair.",
    "Ask your system administrator to check the server's log (out of memory?), then retry this pair.",
)


CHANGE_ONE_USER = (
    "Change one of the two users in these records, or choose another Target User. Then retry this pair."
)


WIDEN = "Ask your system administrator to correct the column or the user, or choose another Target User. Then retry."


def is_beyond_pairs(error: BaseException) -> bool:
    """Return whether the connection or server is at fault, so that other pairs would fail too and a transfer pauses."""
    return is_lost_connection(error) or is_released(error)


def is_released(error: BaseException) -> bool:
    """Return whether the attempt does not count: the server cannot write, or its tables are being upgraded."""
    return is_server_trouble(error) or is_upgrade_under_way(error)


def is_definite(error: BaseException) -> bool:
    """Return whether a retry would fail in the same way.

    Errors of class 42 are definite in a trigger. In a statement of ours they are not: a table may have changed since
    the statement was compiled. A foreign key is not definite: a statement does not find a child of a deleted row in the
    version that somebody else has just made of it.
    """
    if isinstance(error, SelfEdgesRefused | MisfitRefused):
        return True
    cause = database_error(error)
    if isinstance(cause, ForeignKeyViolation):
        return False
    if isinstance(cause, psycopg.IntegrityError | psycopg.DataError | WithCheckOptionViolation):
        return True
    return cause is not None and (cause.sqlstate or "").startswith("42") and is_in_function(cause)


def explain(error: BaseException, pair: TransferPair | None = None) -> Failure:
    """Return the failure to record for a pair that raised this error in a batch of its own.

    Looks the trigger of a database error up, so call this after the transaction was rolled back. The names of the
    pair's users are removed from the database's message.
    """
    data_type = getattr(error, "data_type", "")
    name = by_key(data_type).name if data_type else "This pair"
    if isinstance(error, TotalsMismatch):
        reason = f"{name}: the numbers do not add up, so nothing was changed: {error}"
        return Failure("numbers-do-not-add-up", reason, ASK_ADMINISTRATOR, data_type)
    if isinstance(error, SelfEdgesRefused):
        return Failure("self-edge", f"{name}: {safe(str(error))}", CHANGE_ONE_USER, data_type)
    if isinstance(error, MisfitRefused):
        return Failure("id-does-not-fit", f"{name}: {safe(str(error))}", WIDEN, data_type)
    if isinstance(error, CannotCompile):
        remedy = f"{safe(error.hint)} Then retry."
        return Failure("unsupported-table", safe(str(error)), remedy, data_type)
    if is_transient(error):
        reason = f"{name}: another program kept records locked during every attempt."
        return Failure("records-locked", reason, "Retry this pair when the system is less busy.", data_type)
    cause = database_error(error)
    if isinstance(error, DatabaseError) and cause is not None:
        return refusal(cause, by_key(data_type) if data_type else None, pair)
    return Failure("unexpected-error", f"{name}: an unexpected error occurred.", ASK_ADMINISTRATOR, data_type)


def refusal(error: psycopg.Error, entry: DataType | None, pair: TransferPair | None) -> Failure:
    own_table = ".".join(parts_of(entry.model._meta.db_table)) if entry else ""
    reason, remedy = in_words(read_cause(error, pair, own_table), written_columns(entry) if entry else "")
    code = "constraint" if isinstance(error, psycopg.IntegrityError) else "database-error"
    return Failure(
        code, f"{entry.name if entry else 'This pair'}: {reason}", remedy, entry.key if entry else ""
    )


def written_columns(entry: DataType) -> str:
    """Return the columns in which a transfer of the type writes other values: "calls or talk_seconds"."""
    rule = entry.rule.on_clash if isinstance(entry.rule, Combine) else entry.rule
    fields = [owner.field for owner in entry.owners]
    if isinstance(rule, Rename):
        fields.append(rule.field)
    elif rule is not None and not isinstance(rule, Overwrite):
        fields += getattr(rule, "columns", {})
    return " or ".join(dict.fromkeys(column_of(entry.model, name) for name in fields))
