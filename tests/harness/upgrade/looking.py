"""Read the structure and rows of a database, to compare them before and after an upgrade."""

import json
from collections import Counter
from typing import Any

import psycopg
from psycopg import sql

from tests.harness.databases import address

Rows = dict[str, list[dict[str, Any]]]

# The owner's grants are excluded: PostgreSQL stores them only after a privilege has been granted or revoked.
STRUCTURE = """
WITH ours AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')),
functions AS (SELECT * FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p'))
SELECT concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    pg_get_expr(d.adbin, d.adrelid))
FROM ours AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind <> 'S'
UNION ALL
SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid)
FROM pg_index AS i JOIN ours AS c ON c.oid = i.indrelid
UNION ALL
SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT concat_ws(' ', 'function', pg_get_functiondef(oid)) FROM functions
UNION ALL
SELECT concat_ws(' ', 'view', relname, pg_get_viewdef(oid)) FROM ours WHERE relkind = 'v'
UNION ALL
SELECT concat_ws(' ', 'row security', relname, relrowsecurity, relforcerowsecurity) FROM ours
UNION ALL
SELECT concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check) FROM pg_policies
UNION ALL
SELECT concat_ws(' ', 'grant', c.relname, g.grantee, g.privilege_type)
FROM ours AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS g WHERE g.grantee <> c.relowner
UNION ALL
SELECT concat_ws(' ', 'grant', p.oid::regprocedure, g.grantee, g.privilege_type)
FROM functions AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g WHERE g.grantee <> p.proowner
ORDER BY 1
"""

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# Tables that are not compared, because every run of `migrate` updates them.
UPDATED_BY_MIGRATE = ("django_migrations", "operations_fingerprint", "django_content_type", "auth_permission")


def structure(name: str) -> list[str]:
    with psycopg.connect(address(name)) as connection:
        return [line for (line,) in connection.execute(STRUCTURE)]


def migrations_of(name: str) -> dict[str, list[str]]:
    """Return, for each app, the names of its applied migrations in the order in which they were applied."""
    with psycopg.connect(address(name)) as connection:
        applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    return {app: [name for of, name in applied if of == app] for app, _ in applied}


def rows(name: str) -> Rows:
    with psycopg.connect(address(name)) as connection:
        tables = [table for (table,) in connection.execute(TABLES) if table not in UPDATED_BY_MIGRATE]
        return {table: rows_of(connection, table) for table in tables}


def rows_of(connection: "psycopg.Connection[Any]", table: str) -> list[dict[str, Any]]:
    statement = sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(sql.Identifier(table))
    return [row for (row,) in connection.execute(statement)]


def lost(before: Rows, after: Rows, changed: dict[str, str] | None = None) -> list[str]:
    """Return a sentence for each loss or change of data that is not in `changed`. Additions are ignored."""
    return [sentence for table in before for sentence in lost_of(table, before, after, changed or {})]


def lost_of(table: str, before: Rows, after: Rows, changed: dict[str, str]) -> list[str]:
    if table not in after:
        return [] if table in changed else [f"the table {table} is gone"]
    old, new = before[table], after[table]
    if len(old) != len(new):
        return [f"{table} had {len(old)} rows and has {len(new)}"]
    columns = sorted({column for row in old for column in row})
    gone = [column for column in columns if new and column not in new[0]]
    kept = [column for column in columns if column not in gone and f"{table}.{column}" not in changed]
    sentences = [f"{table}.{column} is gone" for column in gone if f"{table}.{column}" not in changed]
    if Counter(values(old, kept)) != Counter(values(new, kept)):
        sentences.append(f"values in {table} have changed")
    return sentences


def values(table: list[dict[str, Any]], columns: list[str]) -> list[str]:
    return [json.dumps([row[column] for column in columns], sort_keys=True) for row in table]
