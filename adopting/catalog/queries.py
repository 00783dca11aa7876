"""Queries of the catalog that the start-up checks do not need (`transfers.checks.catalog.queries` has the others)."""

SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema' ORDER BY nspname
"""

# Everything that has rows. What belongs to an extension is not the other program's.
RELATIONS = """
SELECT c.oid::bigint, c.relname, c.relkind, c.relispartition
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY c.relname
"""

ONE_RELATION = """
SELECT c.oid::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""

# The type behind domains; an array of a domain keeps the domain's name.
COLUMNS = r"""
WITH RECURSIVE base AS (
    SELECT DISTINCT a.atttypid AS of, a.atttypid AS oid, a.atttypmod AS modifier, a.atttypmod AS of_modifier
    FROM pg_attribute AS a WHERE a.attrelid = ANY (%(wanted)s::bigint[]::oid[]) AND a.attnum > 0
    UNION ALL
    SELECT base.of, t.typbasetype, t.typtypmod, base.of_modifier
    FROM base JOIN pg_type AS t ON t.oid = base.oid AND t.typtype = 'd'
)
SELECT
    a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod), format_type(base.oid, base.modifier),
    a.attnotnull, a.attgenerated = '' AND a.attidentity <> 'a',
    a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(|uuid[a-z0-9_]*\(\)', false),
    coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN base ON base.of = a.atttypid AND base.of_modifier = a.atttypmod
JOIN pg_type AS t ON t.oid = base.oid AND t.typtype <> 'd'
WHERE a.attrelid = ANY (%(wanted)s::bigint[]::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

SIZES = """
SELECT w.oid, coalesce(obj_description(w.oid::oid, 'pg_class'), ''),
    (SELECT coalesce(sum(pg_relation_size(coalesce(p.relid, w.oid::oid))), 0)
     FROM (SELECT 1) AS one LEFT JOIN pg_partition_tree(w.oid::oid) AS p ON true
     WHERE p.isleaf IS NOT false) / current_setting('block_size')::int
FROM unnest(%(wanted)s::bigint[]) AS w (oid)
"""

PUBLICATIONS = """
SELECT p.pubname, p.puballtables FROM pg_publication AS p
WHERE p.puballtables
    OR EXISTS (SELECT FROM pg_publication_rel AS r WHERE r.prpubid = p.oid
        AND r.prrelid = ANY (%(wanted)s::bigint[]::oid[]))
    OR EXISTS (SELECT FROM pg_publication_namespace AS s JOIN pg_class AS c ON c.relnamespace = s.pnnspid
        WHERE s.pnpubid = p.oid AND c.oid = ANY (%(wanted)s::bigint[]::oid[]))
ORDER BY p.pubname
"""

# For each transaction that reads records, so that it neither takes long nor waits for others.
LIMITS = "SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '500ms'; SET LOCAL jit = off"
# A statement that reads one column of a view from the tables and views of its definition, so that the server says of
# which of them the column is.
SHOWN = """
SELECT format('SELECT %%I FROM (%%s) AS v LIMIT 0', %(key)s::text, rtrim(pg_get_viewdef(%(view)s::bigint::oid), ';'))
"""
ONE_COLUMN = """
SELECT c.relkind, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.oid = %(oid)s::bigint::oid AND a.attnum = %(number)s
"""
# The column that identifies the row which a column names: itself, or that of a table to which its foreign key leads, if
# the view reads this table, too. It is a unique key, or foreign keys refer to it together with others.
IDENTIFYING = """
WITH RECURSIVE named (oid, number, steps) AS (
    SELECT %(oid)s::bigint::oid, %(number)s::smallint, 0
    UNION ALL
    SELECT k.confrelid, k.confkey[1], named.steps + 1
    FROM named JOIN pg_constraint AS k ON k.contype = 'f' AND k.conrelid = named.oid AND k.conkey = ARRAY[named.number]
    WHERE named.steps < 9 AND EXISTS (
        SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        WHERE r.ev_class = %(view)s::bigint::oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = k.confrelid
    )
)
SELECT n.nspname, c.relname, a.attname
FROM named
JOIN pg_class AS c ON c.oid = named.oid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = named.number
WHERE EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1
        AND i.indkey[0] = a.attnum AND i.indpred IS NULL
) OR EXISTS (
    SELECT FROM pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = c.oid AND a.attnum = ANY (k.confkey)
)
ORDER BY named.steps DESC LIMIT 1
"""
# The columns that a view reads and that alone identify a row of their table.
BEHIND_VIEW = """
SELECT DISTINCT n.nspname, c.relname, a.attname
FROM pg_rewrite AS r
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p')
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
    AND i.indpred IS NULL
WHERE r.ev_class = %(view)s::bigint::oid
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1, 2, 3
"""
ALL_ARE_IN = """
SELECT count(*) > 0 AND bool_and(EXISTS (SELECT FROM {table} AS t WHERE t.{column}::text = v.{key}::text))
FROM {view} AS v WHERE v.{key} IS NOT NULL
"""

# Triggers of all events; the checks look only at those that may change what a transfer does.
ALL_TRIGGERS = """
SELECT t.tgrelid::bigint, t.tgname, t.tgtype::int, t.tgfoid::regproc::text
FROM pg_trigger AS t
WHERE t.tgrelid = ANY (%(wanted)s::bigint[]::oid[]) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
    AND t.tgparentid = 0
ORDER BY t.tgrelid, t.tgname
"""
