"""Queries of the database catalog, each for all tables at once; `transfers.checks.catalog` runs them."""

from transfers.engine.catalog.policies import HIDES_ROWS
from transfers.engine.catalog.queries import INVOLVES, IS_FILLED
from transfers.engine.catalog.triggers import FIRES

NAMES = """
SELECT c.oid::bigint, n.nspname, c.relname, pg_table_is_visible(c.oid)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = ANY (%(wanted)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
ORDER BY n.nspname
"""

# The inheritance and partition trees that the tables belong to, as pairs of part and parent.
INHERITANCE = """
WITH RECURSIVE up (oid) AS (
    SELECT unnest(%(wanted)s::bigint[])::oid
    UNION SELECT i.inhparent FROM pg_inherits AS i JOIN up ON i.inhrelid = up.oid
), tree (oid) AS (
    SELECT oid FROM up
    UNION SELECT i.inhrelid FROM pg_inherits AS i JOIN tree ON i.inhparent = tree.oid
)
SELECT i.inhrelid::bigint, i.inhparent::bigint
FROM pg_inherits AS i JOIN tree ON tree.oid = i.inhrelid
ORDER BY i.inhrelid, i.inhseqno
"""

# A table lacks a replica identity if it has none of its own and no primary key that would be used instead.
RELATIONS = f"""
SELECT
    n.nspname, c.relname, pg_table_is_visible(c.oid), c.oid::bigint, c.relkind, c.relispartition,
    has_schema_privilege(n.oid, 'USAGE'),
    ARRAY(SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r WHERE has_table_privilege(c.oid, r)),
    {HIDES_ROWS},
    ARRAY(
        SELECT p.pubname::text FROM pg_publication AS p
        WHERE (p.pubupdate OR p.pubdelete) AND c.relkind = 'r' AND c.relpersistence = 'p' AND NOT (
            c.relreplident = 'f' OR EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = c.oid AND CASE c.relreplident
                    WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
            )
        ) AND (p.puballtables OR EXISTS (
            SELECT FROM (SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid)) AS a (oid)
            JOIN pg_class AS t ON t.oid = a.oid
            WHERE EXISTS (SELECT FROM pg_publication_rel AS r WHERE r.prpubid = p.oid AND r.prrelid = t.oid)
                OR EXISTS (
                    SELECT FROM pg_publication_namespace AS s WHERE s.pnpubid = p.oid AND s.pnnspid = t.relnamespace
                )
        ))
        ORDER BY 1
    )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%(wanted)s::bigint[]::oid[])
ORDER BY n.nspname, c.relname
"""  # noqa: S608  # nosec B608  (a constant is inserted)

COLUMNS = """
SELECT
    a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod),
    ARRAY(
        SELECT base.attname::text
        FROM pg_attrdef AS d
        JOIN pg_depend AS dep ON dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
            AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = a.attrelid
        JOIN pg_attribute AS base ON base.attrelid = a.attrelid AND base.attnum = dep.refobjsubid
        WHERE a.attgenerated <> '' AND d.adrelid = a.attrelid AND d.adnum = a.attnum AND base.attnum <> a.attnum
    ),
    a.attnotnull,
    CASE WHEN a.attgenerated <> '' THEN (
        SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
        WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
    ) END
FROM pg_attribute AS a
WHERE a.attrelid = ANY (%(wanted)s::bigint[]::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

INDEXES = f"""
SELECT
    i.indrelid::bigint, c.relname, m.amname, i.indisunique, i.indisprimary, c.relispartition,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.place <= i.indnkeyatts ORDER BY k.place
    ),
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
    coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    ARRAY(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND {INVOLVES}
    ),
    CASE WHEN i.indisexclusion THEN
        (SELECT coalesce(max(pg_get_constraintdef(con.oid)), '') FROM pg_constraint AS con
         WHERE con.conindid = i.indexrelid AND con.conrelid = i.indrelid)
    ELSE '' END,
    i.indnullsnotdistinct
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam
WHERE i.indrelid = ANY (%(wanted)s::bigint[]::oid[]) AND i.indisvalid
ORDER BY i.indrelid, c.relname
"""  # noqa: S608  # nosec B608  (a constant is inserted)

# Partitions have copies of the foreign keys of the partitioned table, which are left out (conparentid).
REFERENCES = f"""
SELECT
    n.nspname, c.relname, pg_table_is_visible(c.oid), c.oid::bigint, con.conname,
    ARRAY(
        SELECT a.attname::text FROM unnest(con.conkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = con.conrelid AND a.attnum = k.attnum ORDER BY k.place
    ),
    con.confrelid::bigint,
    ARRAY(
        SELECT a.attname::text FROM unnest(con.confkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = con.confrelid AND a.attnum = k.attnum ORDER BY k.place
    ),
    con.confdeltype, con.confupdtype,
    ARRAY(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey) AND NOT {IS_FILLED}
    ),
    con.condeferred, con.confmatchtype = 'f',
    con.convalidated,
    to_jsonb(con) @> '{{"conperiod": true}}'
FROM pg_constraint AS con
JOIN pg_class AS c ON c.oid = con.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE con.contype = 'f' AND con.conparentid = 0 AND con.confrelid = ANY (%(wanted)s::bigint[]::oid[])
ORDER BY n.nspname, c.relname, con.conname
"""  # noqa: S608  # nosec B608  (a constant is inserted)

# Triggers that fire for the application. The tables into which a trigger's function inserts are read from its text,
# without its comments. A name without a schema is one of our search path, or else of the schema of the trigger's table.
TRIGGERS = rf"""
SELECT
    g.tgrelid::bigint, g.tgname, g.tgtype::int, g.tgfoid::regproc::text,
    ARRAY(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = g.tgrelid AND a.attnum = ANY (g.tgattr::int2[])
    ),
    pg_get_triggerdef(g.oid),
    coalesce((SELECT of_whole.tgrelid::bigint FROM pg_trigger AS of_whole WHERE of_whole.oid = g.tgparentid), 0),
    ARRAY(
        SELECT DISTINCT written.path
        FROM regexp_matches(
            regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '/\*.*?\*/', '', 'g'),
            '\m(?:insert|merge)\s+into\s+(?:("[^"]+"|[[:alpha:]_][\w$]*)\s*\.\s*)?("[^"]+"|[[:alpha:]_][\w$]*)', 'gi'
        ) AS m (names)
        CROSS JOIN LATERAL (
            SELECT concat_ws('.', n.nspname, c.relname) AS path
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = (parse_ident(m.names[2]))[1] AND c.relpersistence <> 't'
                AND c.relkind IN ('r', 'p', 'f', 'v')
                AND CASE WHEN m.names[1] IS NOT NULL THEN n.nspname = (parse_ident(m.names[1]))[1]
                    ELSE pg_table_is_visible(c.oid) OR c.relnamespace = own.relnamespace END
            ORDER BY pg_table_is_visible(c.oid) DESC LIMIT 1
        ) AS written
        ORDER BY 1
    )
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid
JOIN pg_class AS own ON own.oid = g.tgrelid
WHERE g.tgrelid = ANY (%(wanted)s::bigint[]::oid[]) AND NOT g.tgisinternal AND {FIRES}
ORDER BY g.tgrelid, g.tgname
"""  # noqa: S608  # nosec B608  (a constant is inserted)

RULES = """
SELECT r.ev_class::bigint, r.rulename,
    CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' WHEN '4' THEN 'DELETE' ELSE 'SELECT' END
FROM pg_rewrite AS r
WHERE r.ev_class = ANY (%(wanted)s::bigint[]::oid[]) AND r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A')
ORDER BY r.ev_class, r.rulename
"""

POLICIES = """
SELECT p.polrelid::bigint, p.polname, p.polpermissive,
    concat_ws(' AND ',
        nullif(pg_get_expr(p.polqual, p.polrelid), 'true'), nullif(pg_get_expr(p.polwithcheck, p.polrelid), 'true')),
    EXISTS (SELECT FROM unnest(p.polroles) AS r WHERE CASE r WHEN 0 THEN true ELSE pg_has_role(r, 'USAGE') END)
FROM pg_policy AS p
WHERE p.polrelid = ANY (%(wanted)s::bigint[]::oid[])
ORDER BY p.polrelid, p.polname
"""
