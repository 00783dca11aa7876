"""Would the database take the statements of a plan? It reads each of them and executes none.

So a column of a type that does not fit - a sum over a text, an id that is written as text - stops the start, and not a
transfer.
"""

from collections.abc import Iterator

from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from accounts.postgresql.away import database_error, is_away
from transfers.engine.compile import Plan
from transfers.engine.steps import sql_file

READ_AND_FORGET = "PREPARE transfer_trial AS {};\nDEALLOCATE transfer_trial"


def refusals(plans: list[Plan]) -> Iterator[tuple[Plan, str]]:
    """The plans that the database refuses, with what it says of the first statement it cannot take."""
    with transaction.atomic():
        if plans and make_stage():
            for plan in plans:
                if words := refused(plan):
                    yield plan, words
        transaction.set_rollback(True)


def make_stage() -> bool:
    """False where the application's role may not make temporary tables, which another check says (`accounts.E102`)."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql_file("stage_tables"))
    except DatabaseError as error:
        if not isinstance(database_error(error), InsufficientPrivilege):
            raise
        return False
    return True


def refused(plan: Plan) -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(";\n".join(map(READ_AND_FORGET.format, statements_of(plan))))
    except DatabaseError as error:
        if is_away(error):
            raise
        return str(error).split("\n", 1)[0]
    return ""


def statements_of(plan: Plan) -> Iterator[str]:
    totals = (plan.counts, plan.held, plan.left_behind, plan.holders_before, plan.holders_after)
    yield from filter(None, totals)
    yield from (step.statement for step in (*plan.foretell, *plan.run))
