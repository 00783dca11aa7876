"""Which errors say something of the database just now, and nothing of what was asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import Error, InterfaceError

# 08: the connection itself. 57P01 to 57P03: the server goes down or comes up. 25P03, 57P05: it waited too long for us.
LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
# Disk full, too many connections, an I/O error, a database that may only be read: nothing can be written for anybody.
TROUBLE = ("53100", "53300", "58030", "25006")
# A deadlock, a serialization failure, a lock that was not given in time: others were at the same rows.
TRANSIENT = ("40P01", "40001", "55P03")

# On a server it is the settings that are missing, on a machine with the demo it is `make run`.
NO_DEMO = (
    "DATABASE_URL is not set, so this would be the demo, and its database in {folder} does not answer ({reason}). Start"
    " the demo with make run; for a site of your own set DATABASE_URL, or link .env to its settings (docs/deploy.md)."
)


class DatabaseAway(Exception):
    """The database cannot be reached, or cannot do this now. The text is what it says itself."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(database_error(error) or error).strip())
        self.is_lost = is_lost_connection(error)

    @property
    def sentence(self) -> str:
        reason = str(self).split("\n", 1)[0]
        if self.is_lost and settings.DEMO:
            return NO_DEMO.format(folder=settings.DATA_DIR, reason=reason)
        what = "does not answer" if self.is_lost else "cannot do this now"
        return f"The database {what} ({reason})."


@contextmanager
def telling_when_away() -> Iterator[None]:
    """Raises those errors as `DatabaseAway`; all others pass."""
    try:
        yield
    except Error as error:
        if not is_away(error):
            raise
        raise DatabaseAway(error) from error


def is_away(error: BaseException) -> bool:
    """Is it the database that cannot be reached, or cannot do this now, so that it may well do it later?"""
    return is_lost_connection(error) or is_server_trouble(error) or is_transient(error)


def is_lost_connection(error: BaseException) -> bool:
    """Did the database go away, so that nothing more can be said or recorded through this connection?"""
    cause = database_error(error)
    if cause is None:
        return isinstance(error, InterfaceError)
    state = cause.sqlstate or ""
    silent = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and not state
    return state.startswith(LOST) or silent


def is_server_trouble(error: BaseException) -> bool:
    """Can the server not write at all at the moment?"""
    return has_state(error, TROUBLE)


def is_transient(error: BaseException) -> bool:
    """Will the same work probably succeed when it is simply done again?"""
    return has_state(error, TRANSIENT)


def has_state(error: BaseException, states: tuple[str, ...]) -> bool:
    cause = database_error(error)
    return cause is not None and cause.sqlstate in states


def database_error(error: BaseException) -> psycopg.Error | None:
    """The driver's own error behind what was raised, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            return seen
        seen = seen.__cause__
    return None
