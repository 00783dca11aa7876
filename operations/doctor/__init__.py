"""`manage.py doctor`: looks at everything the site leans on, and says what to do about what is wrong."""

from collections.abc import Iterator

from django.db import ProgrammingError

from operations.doctor import machine, postgresql, redis_and_workers, settings
from operations.doctor.findings import Finding, Level, wrong
from operations.health import answers, database

__all__ = ["Finding", "Level", "examine"]


def examine() -> Iterator[Finding]:
    """Finding by finding, so that a slow look is seen to be one. Without the database the rest is still looked at."""
    yield from as_far_as_there_are_tables(settings.findings())
    if answers(database):
        yield from as_far_as_there_are_tables(postgresql.findings())
        yield from as_far_as_there_are_tables(redis_and_workers.signs_of_life())
    else:
        yield postgresql.unreachable()
    yield from redis_and_workers.queue()
    yield from machine.findings()


def as_far_as_there_are_tables(findings: Iterator[Finding]) -> Iterator[Finding]:
    """A database that was restored, or just made, may lack what this release looks at."""
    try:
        yield from findings
    except ProgrammingError as error:
        says = f"what this release looks at is not there: {str(error).splitlines()[0]}"
        yield wrong("tables", says, "Run manage.py migrate as the owner of the tables, then doctor again.")
