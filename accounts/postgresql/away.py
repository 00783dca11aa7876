"""Which errors say that the database is not to be had just now, and nothing of what was asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import Error, InterfaceError, OperationalError

# 08: the connection itself. 57P01 to 57P03: the server goes down or comes up. 25P03, 57P05: it waited too long for us.
LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")
# Disk full, too many connections, an I/O error, a database that may only be read: nothing can be written for anybody.
TROUBLE = ("53100", "53300", "58030", "25006")


class DatabaseAway(Exception):
    """The database cannot be reached, cannot do this now, or not in time. The text is what it says itself."""


@contextmanager
def telling_when_away() -> Iterator[None]:
    """Raises those errors as `DatabaseAway`; all others pass."""
    try:
        yield
    except Error as error:
        if not is_away(error):
            raise
        raise DatabaseAway(str(database_error(error) or error).strip()) from error


def is_away(error: BaseException) -> bool:
    """Is it the database that cannot be reached, or cannot do this now, so that it may well do it later?"""
    not_done = isinstance(error, InterfaceError | OperationalError)
    return not_done or is_lost_connection(error) or is_server_trouble(error)


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
    cause = database_error(error)
    return cause is not None and cause.sqlstate in TROUBLE


def database_error(error: BaseException) -> psycopg.Error | None:
    """The driver's own error behind what was raised, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            return seen
        seen = seen.__cause__
    return None
