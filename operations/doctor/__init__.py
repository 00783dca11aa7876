"""`manage.py doctor`: check everything the site depends on and say how to fix what is wrong.

Findings are Django's own check messages. An `Info` reports a check that found no problem.
"""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error
from django.db import ProgrammingError

from operations.doctor import journal, machine, postgresql, redis_and_workers, settings
from operations.monitoring.health import answers, database


def examine() -> Iterator[CheckMessage]:
    """Yield findings one by one, so that output appears while slow checks run.

    If the database cannot be reached, the checks that do not need it still run.
    """
    yield from tolerating_missing_tables(settings.findings())
    if answers(database):
        yield from tolerating_missing_tables(postgresql.findings())
        yield from tolerating_missing_tables(redis_and_workers.heartbeats())
        yield from tolerating_missing_tables(journal.findings())
    else:
        yield postgresql.unreachable()
    yield from redis_and_workers.queue()
    yield from machine.findings()


def tolerating_missing_tables(findings: Iterator[CheckMessage]) -> Iterator[CheckMessage]:
    """Yield the findings. If a query fails because a table is missing, yield an Error and end.

    Tables are missing in a new database, or after an older backup is restored.
    """
    try:
        yield from findings
    except ProgrammingError as error:
        yield Error(
            f"The database lacks something that this release needs: {str(error).splitlines()[0]}",
            hint="Run manage.py migrate as the owner of the tables, then run doctor again.",
            id="doctor.tables",
        )
