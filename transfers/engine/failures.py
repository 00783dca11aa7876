"""Why a pair could not be transferred: every way it can fail, in words, with what to do about it."""

from dataclasses import dataclass

import psycopg
from django.db import DatabaseError

from accounts.postgresql.away import database_error, is_lost_connection, is_server_trouble, is_transient
from transfers.engine.verify import DoesNotAddUp
from transfers.registry import by_key


@dataclass(frozen=True)
class Failure:
    """`code` is stable; `reason` says what and where; `remedy` the next step; `data_type` its key, or ""."""

    code: str
    reason: str
    remedy: str
    data_type: str = ""


class StepFailed(DatabaseError):
    """A statement of a data type failed; the database's own error is the cause."""

    def __init__(self, data_type: str, step: str) -> None:
        self.data_type = data_type
        super().__init__(f"{step} of {data_type}")


WORKER_DIED = Failure(
    "worker-died",
    "The third and last attempt at this pair ended with its worker, or with that worker's connection to the database.",
    "Have the server's log looked at (out of memory?), then retry this pair.",
)


def is_beyond_pairs(error: BaseException) -> bool:
    """Is it no use to try other pairs now, because the connection or the server is at fault? A transfer then pauses."""
    return is_lost_connection(error) or is_server_trouble(error)


def is_definite(error: BaseException) -> bool:
    """Would the same work fail in the same way again, however often it is tried?"""
    return isinstance(database_error(error), psycopg.IntegrityError | psycopg.DataError)


def explain(error: BaseException) -> Failure:
    """The failure of a pair that stood alone when this was raised."""
    data_type = getattr(error, "data_type", "")
    cause = database_error(error)
    if isinstance(error, DoesNotAddUp):
        return Failure("numbers-do-not-add-up", f"{named(data_type)}: {error}", TELL_ENGINEERS, data_type)
    if isinstance(cause, psycopg.IntegrityError):
        return constraint_failure(cause, data_type)
    if is_transient(error):
        return Failure(
            "records-locked",
            f"Records of this pair were in use by another program the whole time ({named(data_type)}).",
            "Retry this pair when less is going on.",
            data_type,
        )
    if isinstance(error, DatabaseError) and cause is not None:
        reason = f"{named(data_type)}: the database refused the change ({cause.sqlstate or 'no code'})."
        return Failure("database-error", reason, TELL_ENGINEERS, data_type)
    return Failure(
        "unexpected-error", f"{named(data_type)}: something unforeseen happened.", TELL_ENGINEERS, data_type
    )


TELL_ENGINEERS = (
    "Give the transfer's ID and this line to the people who run the server; its log has the details."
)


def constraint_failure(cause: psycopg.IntegrityError, data_type: str) -> Failure:
    table = cause.diag.table_name or "unknown"
    constraint = cause.diag.constraint_name or "unknown"
    what = {
        psycopg.errors.UniqueViolation: "the target already has a record that must be unique",
        psycopg.errors.ForeignKeyViolation: "another record still refers to one that would go",
        psycopg.errors.CheckViolation: "a record would break a rule of its table",
        psycopg.errors.NotNullViolation: "a record would lose a value it must have",
        psycopg.errors.ExclusionViolation: "two records would overlap",
    }.get(type(cause), "a rule of the table would be broken")
    return Failure(
        "constraint",
        f"{named(data_type)}: {what} (table {table}, constraint {constraint}).",
        "Correct the records named by this table and constraint, then retry this pair.",
        data_type,
    )


def named(data_type: str) -> str:
    return by_key(data_type).name if data_type else "The whole pair"
