"""System checks of row-level security, run by `check --database default` and by each worker before it accepts tasks.

Tenant isolation holds only if the application's role cannot bypass it and every table has its policy.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from psycopg import sql

from tenancy import policies
from tenancy.postgresql.base import USUAL_SCHEMA

SEE_DOCS = "docs/database-roles.md has the SQL to paste."

ROLE_QUERY = """
SELECT current_user, rolsuper, rolbypassrls, has_database_privilege(current_database(), 'TEMP')
FROM pg_roles WHERE rolname = current_user
"""

# For each table that exists: whether the role is its owner or a member of the owner, whether the table has its
# policy, and which rights the role has.
TABLES_QUERY = """
SELECT t.name, pg_has_role(c.relowner, 'MEMBER'), c.relrowsecurity AND p.oid IS NOT NULL,
    array(SELECT r FROM unnest(%s::text[]) AS r WHERE has_table_privilege(c.oid, r))
FROM unnest(%s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.name))
LEFT JOIN pg_policy AS p ON p.polrelid = c.oid AND p.polname = %s
ORDER BY 1
"""

# For each SECURITY DEFINER function that belongs to the owner of tenancy_tenant: whether it is for a trigger, and
# whether the role may call it.
FUNCTIONS_QUERY = """
SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype, has_function_privilege(p.oid, 'EXECUTE')
FROM pg_proc AS p JOIN pg_class AS c ON c.oid = to_regclass('tenancy_tenant') AND p.proowner = c.relowner
WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prosecdef AND p.prokind = 'f'
ORDER BY 1
"""
SCHEMA_QUERY = """
SELECT has_schema_privilege(oid, 'USAGE'), current_user::text FROM pg_namespace WHERE nspname = %s
"""
CHECKED_RIGHTS = [*policies.ALL_RIGHTS, "TRUNCATE"]


@register(Tags.database)
def check_row_level_security(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check the application's role, tables and functions.

    The owner of the tables, which bypasses row-level security and is used only by a few commands, is not checked.
    """
    if not databases or "default" not in databases or settings.AS_TABLE_OWNER:
        return []
    return [*check_role(), *check_schema(), *check_tables(), *check_functions()]


def check_role() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(ROLE_QUERY)
        name, is_super, bypasses, may_temp = cursor.fetchone()
    if is_super or bypasses:
        what = "is a superuser" if is_super else "has BYPASSRLS"
        yield Error(
            f"The application's role {name} {what}, so row-level security does not apply to it: it sees every tenant.",
            hint=f"Set DATABASE_URL to a role that is neither a superuser nor has BYPASSRLS. {SEE_DOCS}",
            id="tenancy.E001",
        )
    if not may_temp:
        yield Error(
            f"The application's role {name} may not create temporary tables, which transfers need.",
            hint=f"GRANT TEMPORARY ON DATABASE … TO {name}; {SEE_DOCS}",
            id="tenancy.E002",
        )


def check_schema() -> Iterator[CheckMessage]:
    """Yield an error if the site's own schema (APP_SCHEMA) is missing or not usable: no table of it would be found."""
    if settings.APP_SCHEMA == USUAL_SCHEMA:
        return
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA_QUERY, [settings.APP_SCHEMA])
        found = cursor.fetchone()
    if found is None:
        yield Error(
            f"The schema {settings.APP_SCHEMA} (APP_SCHEMA) does not exist.",
            hint="Run `manage.py migrate`, or set APP_SCHEMA to the schema of the site's tables.",
            id="tenancy.E007",
        )
    elif not found[0]:
        schema, role = (sql.Identifier(name).as_string(None) for name in (settings.APP_SCHEMA, found[1]))
        yield Error(
            f"The application's role may not use the schema {settings.APP_SCHEMA} (APP_SCHEMA).",
            hint=f"GRANT USAGE ON SCHEMA {schema} TO {role};",
            id="tenancy.E007",
        )


def check_tables() -> Iterator[CheckMessage]:
    protected = {entry.table for entry in policies.protected_tables()}
    names = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} | protected)
    with connection.cursor() as cursor:
        cursor.execute(TABLES_QUERY, [CHECKED_RIGHTS, names, policies.POLICY])
        found = cursor.fetchall()
    for table, is_owner, has_policy, rights in found:
        if table in protected and is_owner:
            yield Error(
                f"The application's role owns the table {table}, so row-level security does not apply to it.",
                hint=f"Migrate with another role: set MIGRATION_DATABASE_URL. {SEE_DOCS}",
                id="tenancy.E003",
            )
        elif table in protected and not has_policy:
            yield Error(
                f"The table {table} has no row-level security policy, so it shows the rows of every tenant.",
                hint="Run `manage.py migrate`, which creates the policy.",
                id="tenancy.E004",
            )
        yield from check_rights(table, set(rights), set(policies.rights_on(table)))


def check_rights(table: str, has: set[str], needs: set[str]) -> Iterator[CheckMessage]:
    if missing := needs - has:
        yield Error(
            f"The application's role may not {', '.join(sorted(missing))} on the table {table}.",
            hint=f"Run `manage.py migrate` as the owner of the table to grant it. {SEE_DOCS}",
            id="tenancy.E005",
        )
    if len(needs) < len(policies.ALL_RIGHTS) and (beyond := has - needs):
        yield Error(
            f"The application's role may {', '.join(sorted(beyond))} on the table {table}, but must not.",
            hint="Run `manage.py migrate` as the owner of the table to revoke it.",
            id="tenancy.E006",
        )


def check_functions() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS_QUERY)
        found = cursor.fetchall()
    for name, is_for_trigger, may in found:
        if not may and not is_for_trigger:
            yield Error(
                f"The application's role may not call {name}, which runs as the owner of the tables.",
                hint="Run `manage.py migrate` as the owner of the tables to grant the right to call it.",
                id="tenancy.E005",
            )
        elif may and is_for_trigger:
            yield Error(
                f"The application's role may use {name} in its own triggers, and so act as the owner of the tables.",
                hint="Run `manage.py migrate` as the owner of the tables to revoke the right.",
                id="tenancy.E006",
            )
