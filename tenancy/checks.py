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

# A schema with the tables, if they are not in the search path; the search path; the role.
ELSEWHERE_QUERY = """
SELECT CASE WHEN to_regclass('tenancy_tenant') IS NULL THEN (
    SELECT min(n.nspname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname = 'tenancy_tenant' AND c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%'
) END, current_setting('search_path'), current_user
"""
ROLE_QUERY = """
SELECT current_user, rolsuper, rolbypassrls, has_database_privilege(current_database(), 'TEMP'),
    current_schema(), has_schema_privilege(current_schema(), 'CREATE'),
    current_setting('session_replication_role')
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

# For each SECURITY DEFINER function that belongs to the owner of tenancy_tenant: whether it is for a trigger, whether
# the role may call it, and whether its search path is fixed and ends with temporary tables.
FUNCTIONS_QUERY = """
SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype, has_function_privilege(p.oid, 'EXECUTE'),
    coalesce(array_to_string(p.proconfig, ';') ~ '(^|;)search_path=[^;]*pg_temp(;|$)', false)
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
    return [*check_schema()] or [*check_search_path()] or [*check_role(), *check_tables(), *check_functions()]


def check_search_path() -> Iterator[CheckMessage]:
    """Check that the tables are found, unless there are none yet. Nothing else can be checked if they are not."""
    with connection.cursor() as cursor:
        cursor.execute(ELSEWHERE_QUERY)
        elsewhere, path, name = cursor.fetchone()
    if elsewhere:
        yield Error(
            f"The tables are in the schema {elsewhere}, which is not in the search_path of {name} ({path}).",
            hint=f"Undo what set it: ALTER ROLE {name} RESET search_path; ALTER DATABASE … RESET search_path; or add"
            " the schema to it. Do not migrate before: that would create a second set of tables.",
            id="tenancy.E009",
        )


def check_role() -> Iterator[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(ROLE_QUERY)
        name, is_super, bypasses, may_temp, schema, may_create, replication = cursor.fetchone()
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
    if may_create and not is_super:
        yield Error(
            f"The application's role {name} may create tables and functions in the schema {schema}, in which it could"
            " replace what the owner of the tables uses.",
            hint=f"As a superuser: REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {name}; {SEE_DOCS}",
            id="tenancy.E007",
        )
    if replication == "replica":
        yield Error(
            f"Triggers are off: session_replication_role of {name} is replica. Audit events would not be sealed,"
            " and foreign keys not checked.",
            hint=f"As a superuser: ALTER ROLE {name} RESET session_replication_role; or ALTER DATABASE … RESET it.",
            id="tenancy.E010",
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
            id="tenancy.E011",
        )
    elif not found[0]:
        schema, role = (sql.Identifier(name).as_string(None) for name in (settings.APP_SCHEMA, found[1]))
        yield Error(
            f"The application's role may not use the schema {settings.APP_SCHEMA} (APP_SCHEMA).",
            hint=f"GRANT USAGE ON SCHEMA {schema} TO {role};",
            id="tenancy.E011",
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
    for name, is_for_trigger, may, is_fixed in found:
        if not is_fixed:
            yield Error(
                f"{name} runs as the owner of the tables, with a search path that others can choose.",
                hint=f"As the owner: ALTER FUNCTION {name} SET search_path = pg_catalog, pg_temp; and name the schema"
                " of each table in it.",
                id="tenancy.E008",
            )
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
