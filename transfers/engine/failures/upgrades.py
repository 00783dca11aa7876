"""Errors of an upgrade: the tables are not, or no longer, those of this code. The transfer waits until they are."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tenancy.postgresql.transient_errors import database_error
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.failures.causes import is_in_function
from transfers.engine.stage import MissingTable

# Undefined table and schema. Other systems replace their tables too, and their migrations are unknown here.
MISSING_TABLE = ("42P01", "3F000")
# All errors in statements: undefined columns and functions, other types, rights that are granted after the migrations.
IN_STATEMENTS = "42"
# A plan cannot be compiled; KeyError: without a column that it needs.
NOT_COMPILED = (CannotCompile, KeyError)


def is_upgrade_under_way(error: BaseException) -> bool:
    """Return whether the error is probably that of an upgrade, so that a later attempt succeeds without a change here.

    A missing table always is. Any other error in one of our statements is while the database and this code have
    different migrations. Errors in functions, such as triggers, never are: the statement itself was accepted.
    """
    if isinstance(error, MissingTable):
        return True
    cause = database_error(error)
    if cause is None:
        return isinstance(error, NOT_COMPILED) and migrations_differ()
    state = cause.sqlstate or ""
    if is_in_function(cause):
        return False
    return state in MISSING_TABLE or (state.startswith(IN_STATEMENTS) and migrations_differ())


def migrations_differ() -> bool:
    """Return whether migrations are pending, or newer ones than this code has are applied. Takes half a second."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    applied = {name for name in loader.applied_migrations if name[0] in loader.migrated_apps}
    pending = executor.migration_plan(loader.graph.leaf_nodes())
    return bool(pending) or bool(applied - set(loader.disk_migrations))
