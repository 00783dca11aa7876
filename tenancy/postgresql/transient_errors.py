"""Distinguishes temporary database errors, after which a retry helps, from errors caused by the statement."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import Error, InterfaceError

# 08: connection errors. 57P01 to 57P03: the server is shutting down or starting. 25P03, 57P05: idle timeouts.
LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
# Disk full, too many connections, I/O error, read-only database: the server cannot write at all.
TROUBLE = ("53100", "53300", "58030", "25006")
# Deadlock, serialization failure, lock timeout: another transaction used the same rows.
TRANSIENT = ("40P01", "40001", "55P03")

# On a server, the likely cause is that the settings are missing; on a developer's machine, that the demo is not
# running.
DEMO_NOT_RUNNING = (
    "DATABASE_URL is not set, so this is the demo, whose database in {folder} does not answer ({reason}). Start the"
    " demo with make run. For your own site, set DATABASE_URL, or link .env to the site's settings (docs/deploy.md)."
)


class DatabaseUnavailable(Exception):
    """The database cannot be reached, or cannot run the statement now. The message is PostgreSQL's own."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(database_error(error) or error).strip())
        self.is_lost = is_lost_connection(error)

    @property
    def sentence(self) -> str:
        reason = str(self).split("\n", 1)[0]
        if self.is_lost and settings.DEMO:
            return DEMO_NOT_RUNNING.format(folder=settings.DATA_DIR, reason=reason)
        what = "does not answer" if self.is_lost else "cannot do this now"
        return f"The database {what} ({reason})."


@contextmanager
def raising_unavailable() -> Iterator[None]:
    """Raise temporary errors as `DatabaseUnavailable`, and all others unchanged."""
    try:
        yield
    except Error as error:
        if not is_temporary(error):
            raise
        raise DatabaseUnavailable(error) from error


def is_temporary(error: BaseException) -> bool:
    """Return whether the database cannot be reached or cannot run the statement now, so a later attempt may succeed."""
    return is_lost_connection(error) or is_server_trouble(error) or is_transient(error)


def is_lost_connection(error: BaseException) -> bool:
    """Return whether the connection is lost, so that nothing can be recorded through it."""
    cause = database_error(error)
    if cause is None:
        return isinstance(error, InterfaceError)
    if is_raised(cause):
        return False
    state = cause.sqlstate or ""
    silent = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and not state
    return state.startswith(LOST) or silent


def is_server_trouble(error: BaseException) -> bool:
    """Return whether the server currently cannot write at all."""
    return has_state(error, TROUBLE)


def is_transient(error: BaseException) -> bool:
    """Return whether the same statements will probably succeed if repeated. A trigger may raise such errors too."""
    cause = database_error(error)
    return cause is not None and cause.sqlstate in TRANSIENT and not is_raised(cause)


def has_state(error: BaseException, states: tuple[str, ...]) -> bool:
    cause = database_error(error)
    return cause is not None and cause.sqlstate in states


def is_raised(cause: psycopg.Error) -> bool:
    """Return whether the error is not PostgreSQL's own, but raised in a function, such as that of a trigger."""
    return cause.diag.source_function == "exec_stmt_raise"


def database_error(error: BaseException) -> psycopg.Error | None:
    """Return the first psycopg error in the exception's chain of causes, or None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg.Error):
            return cause
        cause = cause.__cause__
    return None
