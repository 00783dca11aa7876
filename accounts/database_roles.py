"""The two roles in PostgreSQL: one owns the tables and migrates, the other one is the application.

After each `migrate` the owner puts the wall in place and grants the application what it needs on every table, those
of further apps included. `docs/database-roles.md` has the SQL for a server of your own.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from accounts import row_security
from accounts.models.searchable import MAKE_SEARCHABLE

log = logging.getLogger(__name__)

# Tables, views and sequences that belong to whoever asks: `(name, kind)`.
OWN = """
SELECT c.relname, c.relkind FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1
"""

# Functions that run with the rights of whoever asks: `(name with arguments, is for a trigger)`.
OWN_FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype FROM pg_proc AS p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef AND p.prokind = 'f'
AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) ORDER BY 1
"""

# What is known of the policy of a table: the fingerprint of the statements that made it.
MADE_OF = """
SELECT c.relname, obj_description(p.oid, 'pg_policy') FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity AND p.polname = %s
"""


def put_in_place(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """After `migrate`, also one with nothing to do; not after `flush`, which says so by having no plan."""
    if using == connection.alias and "plan" in kwargs:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(MAKE_SEARCHABLE)
            build_wall(cursor)
            grant(cursor, settings.APPLICATION_ROLE)


def build_wall(cursor: Any) -> None:
    """Policies that are as they should be are left alone: to replace one waits for everybody who reads the table."""
    cursor.execute(MADE_OF, [row_security.POLICY])
    standing = dict(cursor.fetchall())
    there = set(connection.introspection.table_names(cursor))  # not all are, while single apps are migrated
    for entry in (entry for entry in row_security.behind() if entry.table in there):
        wanted = row_security.statements(entry)
        digest = fingerprint(wanted)
        if standing.get(entry.table) != digest:
            for statement in wanted:
                cursor.execute(statement)
            cursor.execute(
                sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(
                    sql.Identifier(row_security.POLICY),
                    sql.Identifier(entry.table),
                    sql.Literal(digest),
                )
            )


def fingerprint(statements: Sequence[sql.Composed]) -> str:
    text = ";".join(statement.as_string(None) for statement in statements)
    return hashlib.sha256(text.encode()).hexdigest()


def grant(cursor: Any, role: str) -> None:
    """All that the application needs and nothing else, on whatever the migrating role owns."""
    cursor.execute("SELECT current_user")
    if cursor.fetchone()[0] == role:
        log.warning(
            "the role %s both owns the tables and is the application; the wall does not hold it", role
        )
        return
    application = sql.Identifier(role)
    cursor.execute(OWN)
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
    """A view is only read: it belongs to the owner, whom no policy holds, and so does what is written through it."""
    if kind == "S":
        return ("USAGE", "SELECT")
    return row_security.READ_ONLY if kind in "vm" else row_security.rights_on(name)


def grant_functions(cursor: Any, application: sql.Identifier) -> None:
    """What runs as the owner is called by the application and nobody else, and never from a trigger of its own."""
    cursor.execute(OWN_FUNCTIONS)
    for name, is_for_trigger in cursor.fetchall():
        names = {"name": sql.SQL(name), "role": application}
        cursor.execute(sql.SQL("REVOKE ALL ON FUNCTION {name} FROM PUBLIC, {role}").format(**names))
        if not is_for_trigger:
            cursor.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {name} TO {role}").format(**names))
