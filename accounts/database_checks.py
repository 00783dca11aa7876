"""Checks of the database itself: `check --database default`, and every worker before it takes work.

The second wall holds the application only if its role cannot go round it, and if every table has its policy.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from accounts import row_security

MANUAL = "docs/database-roles.md has the SQL to paste."

ABOUT_ROLE = """
SELECT current_user, rolsuper, rolbypassrls, has_database_privilege(current_database(), 'TEMP')
FROM pg_roles WHERE rolname = current_user
"""

# Of each table: does it exist, may the role do everything to it that its owner may, does it have its policy,
# and which rights does it have?
ABOUT_TABLES = """
SELECT t.name, pg_has_role(c.relowner, 'MEMBER'), c.relrowsecurity AND p.oid IS NOT NULL,
    array(SELECT r FROM unnest(%s::text[]) AS r WHERE has_table_privilege(c.oid, r))
FROM unnest(%s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.name))
LEFT JOIN pg_policy AS p ON p.polrelid = c.oid AND p.polname = %s
ORDER BY 1
"""

# Functions that run as the owner of the users' table: may the role call them?
ABOUT_FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype, has_function_privilege(p.oid, 'EXECUTE')
FROM pg_proc AS p JOIN pg_class AS c ON c.oid = to_regclass('accounts_user') AND p.proowner = c.relowner
WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef AND p.prokind = 'f'
ORDER BY 1
"""
ASKED = [*row_security.ALL_RIGHTS, "TRUNCATE"]


@register(Tags.database)
def the_wall_holds(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Of the application's role; the owner of the tables stands above the wall, and only migrates."""
    if not databases or "default" not in databases or settings.AS_TABLE_OWNER:
        return []
    return [*about_role(), *about_tables(), *about_functions()]


def about_role() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(ABOUT_ROLE)
        name, is_super, bypasses, may_temp = cursor.fetchone()
    if is_super or bypasses:
        what = "is a superuser" if is_super else "has BYPASSRLS"
        yield Error(
            f"The application's role {name} {what}, so PostgreSQL shows it the rows of every tenant, always.",
            hint=f"Let DATABASE_URL name a role of its own without such powers. {MANUAL}",
            id="accounts.E101",
        )
    if not may_temp:
        yield Error(
            f"The application's role {name} may not make temporary tables, in which transfers are worked out.",
            hint=f"GRANT TEMPORARY ON DATABASE … TO {name}; {MANUAL}",
            id="accounts.E102",
        )


def about_tables() -> Iterator[CheckMessage]:
    behind = {entry.table: entry for entry in row_security.behind()}
    names = sorted(
        {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | set(behind)
    )
    with connection.cursor() as cursor:
        cursor.execute(ABOUT_TABLES, [ASKED, names, row_security.POLICY])
        found = cursor.fetchall()
    for table, is_owner, has_policy, rights in found:
        if table in behind and is_owner:
            yield Error(
                f"The application's role owns the table {table}, so the wall does not hold it.",
                hint=f"Migrate as another role: set MIGRATION_DATABASE_URL. {MANUAL}",
                id="accounts.E103",
            )
        elif table in behind and not has_policy:
            yield Error(
                f"The table {table} shows every tenant's rows: it has no policy.",
                hint="Run `manage.py migrate`, which puts it in place.",
                id="accounts.E104",
            )
        yield from about_rights(table, set(rights), set(row_security.rights_on(table)))


def about_rights(table: str, has: set[str], needs: set[str]) -> Iterator[CheckMessage]:
    if missing := needs - has:
        yield Error(
            f"The application's role may not {', '.join(sorted(missing))} on the table {table}.",
            hint="Run `manage.py migrate` as the owner of the table, or GRANT it; " + MANUAL,
            id="accounts.E105",
        )
    if len(needs) < len(row_security.ALL_RIGHTS) and (beyond := has - needs):
        yield Error(
            f"The application's role may {', '.join(sorted(beyond))} on the table {table}, which must not be.",
            hint="Run `manage.py migrate` as the owner of the table, which takes it away.",
            id="accounts.E106",
        )


def about_functions() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(ABOUT_FUNCTIONS)
        found = cursor.fetchall()
    for name, is_for_trigger, may in found:
        if not may and not is_for_trigger:
            yield Error(
                f"The application's role may not call {name}, which works as the owner of the tables.",
                hint="Run `manage.py migrate` as the owner of the tables, which grants it.",
                id="accounts.E105",
            )
        elif may and is_for_trigger:
            yield Error(
                f"The application's role may use {name} in a trigger of its own, and so work as the owner.",
                hint="Run `manage.py migrate` as the owner of the tables, which takes it away.",
                id="accounts.E106",
            )
