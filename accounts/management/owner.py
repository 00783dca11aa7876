"""A clear error for commands that must connect as the owner of the tables but connected as the application."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import ProgrammingError
from psycopg.errors import InsufficientPrivilege


@contextmanager
def owner_needed(what: str) -> Iterator[None]:
    """Raise `CommandError` if the database role may not do `what`, such as "name operators".

    The error says that nothing was changed.
    """
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        raise CommandError(
            f"The application's role may not {what}. Set MIGRATION_DATABASE_URL to a URL with the role that owns the"
            " tables, as for migrate. Nothing was changed."
        ) from error
