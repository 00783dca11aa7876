"""Which errors say that the database is not to be had just now, and nothing of what was asked."""

from django.db import InterfaceError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction


def is_away(error: BaseException | None) -> bool:
    """Is it the database that cannot be reached, or that may only be read for now, as after a fail-over?"""
    read_only = isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)
    return read_only or isinstance(error, OperationalError | InterfaceError)
