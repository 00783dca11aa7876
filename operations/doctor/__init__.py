"""`manage.py doctor`: looks at everything the site leans on, and says what to do about what is wrong."""

from collections.abc import Iterator

from operations.doctor import machine, postgresql, redis_and_workers, settings
from operations.doctor.findings import Finding, Level
from operations.health import answers, database

__all__ = ["Finding", "Level", "examine"]


def examine() -> Iterator[Finding]:
    """Finding by finding, so that a slow look is seen to be one. Without the database the rest is still looked at."""
    yield from settings.findings()
    if answers(database):
        yield from postgresql.findings()
        yield from redis_and_workers.signs_of_life()
    else:
        yield postgresql.unreachable()
    yield from redis_and_workers.queue()
    yield from machine.findings()
