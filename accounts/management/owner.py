"""A clear error for commands that need the database role of the tables' owner but run as the application's role."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import ProgrammingError
from psycopg.errors import InsufficientPrivilege


@contextmanager
def owner_needed(what: str) -> Iterator[None]:
    """Raise `CommandError` if the database role may not run the block.

    The error message describes the block with `what`, such as "name operators", and says that nothing was changed.
    """
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        raise CommandError(
            f"The application's role may not {what}. Set MIGRATION_DATABASE_URL to a URL with the role that owns the"
            " tables, as you do for migrate. Nothing was changed."
        ) from error
