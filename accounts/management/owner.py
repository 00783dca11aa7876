"""For commands that connect as the role that owns the tables, when they are given that of the application."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import ProgrammingError
from psycopg.errors import InsufficientPrivilege


@contextmanager
def owner_needed(what: str) -> Iterator[None]:
    """Raises `CommandError` where the role may not do `what`, "say who is an operator"; nothing was changed then."""
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        raise CommandError(
            f"The application's role may not {what}. Set MIGRATION_DATABASE_URL to the address with the role that owns"
            " the tables, as for migrate. Nothing was changed."
        ) from error
