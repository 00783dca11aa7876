"""Whether row-level security of another program may hide rows of a table from this program's role."""

from django.conf import settings
from psycopg import sql

from tenancy import policies
from transfers.engine.catalog.names import quoted

# Of the table `c`. The tables of this product have policies by tenant, which a transfer is meant to obey. A role sees
# and may change all rows if a policy for all commands is always true, and none restricts it. Whether a policy applies
# to the role is decided as PostgreSQL does: 0 stands for PUBLIC.
HIDES_ROWS = """
row_security_active(c.oid) AND NOT (
    c.oid = ANY (ARRAY(  -- evaluated once
        SELECT to_regclass(name)::oid FROM unnest(%(protected)s::text[]) AS protected (name)
        WHERE to_regclass(name) IS NOT NULL
    ))
    AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname <> ALL (%(own_policies)s))
) AND NOT coalesce((
    SELECT bool_and(policy.is_permissive OR policy.is_open) AND (
        bool_or(policy.is_permissive AND policy.is_open AND policy.command = '*')
        OR count(DISTINCT policy.command) FILTER (WHERE policy.is_permissive AND policy.is_open) = 4
    )
    FROM (
        SELECT p.polcmd AS command, p.polpermissive AS is_permissive, coalesce(
            pg_get_expr(CASE p.polcmd WHEN 'a' THEN p.polwithcheck ELSE p.polqual END, c.oid),
            (NOT p.polpermissive)::text  -- a policy without a condition allows nothing, and restricts nothing
        ) = 'true' AND coalesce(pg_get_expr(p.polwithcheck, c.oid), 'true') = 'true' AS is_open
        FROM pg_policy AS p
        WHERE p.polrelid = c.oid AND EXISTS (
            SELECT FROM unnest(p.polroles) AS r WHERE CASE r WHEN 0 THEN true ELSE pg_has_role(r, 'USAGE') END
        )
    ) AS policy
), false)
"""


def own_policies() -> dict[str, list[str]]:
    """Return the parameters of `HIDES_ROWS`."""
    return {
        "protected": [quoted(entry.table) for entry in policies.protected_tables()],
        "own_policies": [policies.POLICY, policies.INSERT_POLICY],
    }


def see_all(table: str) -> str:
    """Return the statement by which a table shows all rows to the application. table: its name as SQL."""
    role = sql.Identifier(settings.APPLICATION_ROLE).as_string(None)
    return f'CREATE POLICY "transfers_see_all" ON {table} TO {role} USING (true) WITH CHECK (true);'
