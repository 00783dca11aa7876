"""Prepare every statement of a plan without executing it, so that PostgreSQL checks names and types.

A column of the wrong type (a sum over text, an ID stored as text) then prevents start-up instead of breaking a
transfer.
"""

from collections.abc import Iterator
from dataclasses import astuple

from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from tenancy.postgresql.transient_errors import database_error, is_temporary
from transfers.engine.compiler.plans import CompiledPlan
from transfers.engine.compiler.steps import sql_file

PREPARE = "PREPARE transfer_trial AS {};\nDEALLOCATE transfer_trial"


def refusals(plans: list[CompiledPlan]) -> Iterator[tuple[CompiledPlan, str]]:
    """Yield (plan, first error message) for each plan with a statement that PostgreSQL rejects."""
    with transaction.atomic():
        if plans and create_stage():
            for plan in plans:
                if message := prepare_error(plan):
                    yield plan, message
        transaction.set_rollback(True)


def create_stage() -> bool:
    """Create the temporary tables. Return False if the application role may not (see check `tenancy.E002`)."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql_file("stage_tables"))
    except DatabaseError as error:
        if not isinstance(database_error(error), InsufficientPrivilege):
            raise
        return False
    return True


def prepare_error(plan: CompiledPlan) -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(";\n".join(map(PREPARE.format, statements_of(plan))))
    except DatabaseError as error:
        if is_temporary(error):
            raise
        return str(error).split("\n", 1)[0]
    return ""


def statements_of(plan: CompiledPlan) -> Iterator[str]:
    yield from filter(None, astuple(plan.totals))
    # A DO block cannot be prepared.
    steps = (step for step in (*plan.predict, *plan.run) if step.name != "analyze_work")
    yield from (step.statement for step in steps)
