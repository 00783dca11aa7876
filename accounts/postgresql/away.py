"""Which errors say that the database is not to be had just now, and nothing of what was asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction


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


def is_away(error: BaseException | None) -> bool:
    """Is it the database that cannot be reached, or that may only be read for now, as after a fail-over?"""
    read_only = isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)
    return read_only or isinstance(error, OperationalError | InterfaceError)
