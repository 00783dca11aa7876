"""Sets up the rights of the two PostgreSQL roles: the tables' owner, used by `migrate`, and the application's role.

After each `migrate` the owner creates the policies and grants the application its rights on every table, including
those of additional apps. `docs/database-roles.md` has the SQL that creates the roles on your own server.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from tenancy import policies
from tenancy.postgresql.base import USUAL_SCHEMA

log = logging.getLogger(__name__)

# Tables, views and sequences owned by the current role: `(name, kind)`.
OWN_RELATIONS = """
SELECT c.relname, c.relkind FROM pg_class AS c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1
"""

# SECURITY DEFINER functions owned by the current role: `(name with arguments, whether it is for a trigger)`.
OWN_FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype FROM pg_proc AS p
WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prosecdef AND p.prokind = 'f'
AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1
"""

# Each table with a policy, and the policy's comment, a fingerprint of the statements that created the policy.
POLICY_FINGERPRINTS = """
SELECT c.relname, obj_description(p.oid, 'pg_policy') FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relrowsecurity AND p.polname = %s
"""

_views: list[str] = []


def create_after_migrate(statement: str) -> None:
    """Register a `CREATE OR REPLACE VIEW` to run after each `migrate`, before rights are granted."""
    _views.append(statement)


def apply_row_level_security(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Create the views and policies, and grant the application its rights.

    Runs after every `migrate`, even if there was nothing to migrate. Does nothing after `flush`, which sends the same
    signal without a plan.
    """
    if using == connection.alias and "plan" in kwargs:
        with transaction.atomic(), connection.cursor() as cursor:
            for view in _views:
                cursor.execute(view)
            apply_policies(cursor)
            grant(cursor, settings.APPLICATION_ROLE)


def apply_policies(cursor: Any) -> None:
    """Create the policies that are missing or have changed.

    Other policies are left alone, because replacing a policy waits for every transaction that reads the table.
    """
    cursor.execute(POLICY_FINGERPRINTS, [policies.POLICY])
    current = dict(cursor.fetchall())
    # If only one app is migrated, the tables of other apps may not exist yet, so they are skipped.
    existing = set(connection.introspection.table_names(cursor))
    for entry in (entry for entry in policies.protected_tables() if entry.table in existing):
        statements = policies.statements(entry)
        digest = fingerprint(statements)
        if current.get(entry.table) != digest:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(
                sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(
                    sql.Identifier(policies.POLICY),
                    sql.Identifier(entry.table),
                    sql.Literal(digest),
                )
            )


def fingerprint(statements: Sequence[sql.Composed]) -> str:
    text = ";".join(statement.as_string(None) for statement in statements)
    return hashlib.sha256(text.encode()).hexdigest()


def grant(cursor: Any, role: str) -> None:
    """Grant the application exactly the rights it needs on everything the migrating role owns."""
    cursor.execute("SELECT current_user")
    if cursor.fetchone()[0] == role:
        log.warning(
            "The role %s is the application's and also owns the tables, so row-level security does not apply to it.",
            role,
        )
        return
    application = sql.Identifier(role)
    if settings.APP_SCHEMA != USUAL_SCHEMA:
        schema = sql.Identifier(settings.APP_SCHEMA)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, application))
    cursor.execute(OWN_RELATIONS)
    for name, kind in cursor.fetchall():
        names = {
            "kind": sql.SQL("SEQUENCE" if kind == "S" else "TABLE"),
            "name": sql.Identifier(name),
            "role": application,
        }
        cursor.execute(sql.SQL("REVOKE ALL ON {kind} {name} FROM {role}").format(**names))
        listed = sql.SQL(", ").join(map(sql.SQL, rights_on(name, kind)))
        cursor.execute(sql.SQL("GRANT {rights} ON {kind} {name} TO {role}").format(rights=listed, **names))
    grant_functions(cursor, application)


def rights_on(name: str, kind: str) -> Sequence[str]:
    """Return the application's rights on a table, view or sequence.

    Views are read-only: they belong to the owner, so writing through one would bypass the policies.
    """
    if kind == "S":
        return ("USAGE", "SELECT")
    return policies.READ_ONLY if kind in "vm" else policies.rights_on(name)


def grant_functions(cursor: Any, application: sql.Identifier) -> None:
    """Let the application's role, and no other, call functions that run as the owner.

    It may not call trigger functions, because with that right it could use them in triggers on its own tables.
    """
    cursor.execute(OWN_FUNCTIONS)
    for name, is_for_trigger in cursor.fetchall():
        names = {"name": sql.SQL(name), "role": application}
        cursor.execute(sql.SQL("REVOKE ALL ON FUNCTION {name} FROM PUBLIC, {role}").format(**names))
        if not is_for_trigger:
            cursor.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {name} TO {role}").format(**names))
