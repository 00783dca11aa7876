"""Which errors say that the database is not to be had just now, and nothing of what was asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import Error, InterfaceError
from psycopg.errors import ReadOnlySqlTransaction

# 08: the connection itself. 57P01 to 57P03: the server goes down or comes up. 25P03, 57P05: it waited too long for us.
LOST = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")


class DatabaseAway(Exception):
    """The database cannot be reached, or may only be read for now; Django's error is the cause."""


@contextmanager
def telling_when_away() -> Iterator[None]:
    """Raises those errors as `DatabaseAway`; all others pass."""
    try:
        yield
    except Error as error:
        if not is_away(error):
            raise
        raise DatabaseAway(str(error).strip()) from error


def is_away(error: BaseException) -> bool:
    """Is it the database that cannot be reached, or that may only be read for now, as after a fail-over?"""
    return is_lost_connection(error) or isinstance(database_error(error), ReadOnlySqlTransaction)


def is_lost_connection(error: BaseException) -> bool:
    """Did the database go away, so that nothing more can be said or recorded through this connection?"""
    cause = database_error(error)
    if cause is None:
        return isinstance(error, InterfaceError)
    state = cause.sqlstate or ""
    silent = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) and not state
    return state.startswith(LOST) or silent


def database_error(error: BaseException) -> psycopg.Error | None:
    """The driver's own error behind what was raised, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            return seen
        seen = seen.__cause__
    return None
