"""The ways in which a pair can fail, each with its reason and remedy."""

from dataclasses import dataclass

import psycopg
from django.db import DatabaseError

from tenancy.postgresql.transient_errors import (
    database_error,
    is_lost_connection,
    is_server_trouble,
    is_transient,
)
from transfers.engine.verify import TotalsMismatch
from transfers.registry import by_key


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


def is_beyond_pairs(error: BaseException) -> bool:
    """Return whether the connection or server is at fault, so that other pairs would fail too and a transfer pauses."""
    return is_lost_connection(error) or is_server_trouble(error)


def is_definite(error: BaseException) -> bool:
    """Return whether a retry would fail in the same way."""
    return isinstance(database_error(error), psycopg.IntegrityError | psycopg.DataError)


def explain(error: BaseException) -> Failure:
    """Return the failure to record for a pair that raised this error in a batch of its own."""
    data_type = getattr(error, "data_type", "")
    cause = database_error(error)
    name = by_key(data_type).name if data_type else "This pair"
    if isinstance(error, TotalsMismatch):
        reason = f"{name}: the numbers do not add up, so nothing was changed: {error}"
        return Failure("numbers-do-not-add-up", reason, ASK_ADMINISTRATOR, data_type)
    if isinstance(cause, psycopg.IntegrityError):
        return constraint_failure(cause, name, data_type)
    if is_transient(error):
        reason = f"{name}: another program kept records locked during every attempt."
        return Failure("records-locked", reason, "Retry this pair when the system is less busy.", data_type)
    if isinstance(error, DatabaseError) and cause is not None:
        reason = f"{name}: the database refused the change (error code {cause.sqlstate or 'unknown'})."
        return Failure("database-error", reason, ASK_ADMINISTRATOR, data_type)
    return Failure("unexpected-error", f"{name}: an unexpected error occurred.", ASK_ADMINISTRATOR, data_type)


ASK_ADMINISTRATOR = (
    "Give the transfer's ID and this message to your system administrator; the server's log has the details."
)


def constraint_failure(cause: psycopg.IntegrityError, name: str, data_type: str) -> Failure:
    table = cause.diag.table_name or "unknown"
    constraint = cause.diag.constraint_name or "unknown"
    because = {
        psycopg.errors.UniqueViolation: "the Target User already has a record that must be unique",
        psycopg.errors.ForeignKeyViolation: "another record refers to one that would be deleted",
        psycopg.errors.CheckViolation: "a record would break a rule of its table",
        psycopg.errors.NotNullViolation: "a record would lose a required value",
        psycopg.errors.ExclusionViolation: "two records would overlap",
    }.get(type(cause), "a rule of the table would be broken")
    return Failure(
        "constraint",
        f"{name}: the database refused the change because {because} (table {table}, constraint {constraint}).",
        "Give this table and constraint to your system administrator. When the records are corrected, retry this pair.",
        data_type,
    )
