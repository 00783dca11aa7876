"""The two queries of the database catalog: columns with facts of their tables, and unique keys."""

from transfers.engine.catalog.policies import HIDES_ROWS
from transfers.engine.catalog.triggers import FIRES

# Whether the column `a` holds no NULL at all: a constraint that is NOT VALID does not refuse those from before.
IS_FILLED = """
(a.attnotnull AND NOT EXISTS (
    SELECT FROM pg_constraint AS k
    WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated
))
"""

COLUMNS = f"""
WITH RECURSIVE given AS (
    SELECT name, to_regclass(quoted) AS oid FROM unnest(%(names)s::text[], %(quoted)s::text[]) AS t (name, quoted)
),
references_to AS MATERIALIZED (  -- read once, because no index finds the foreign keys to a table
    SELECT k.confrelid AS oid,
        array_agg(DISTINCT k.conrelid::regclass::text) FILTER (WHERE k.confdeltype IN ('n', 'd') AND k.conparentid = 0)
            AS changing,
        array_agg(DISTINCT a.attname::text) FILTER (WHERE k.confupdtype IN ('c', 'n', 'd')) AS followed
    FROM pg_constraint AS k
    JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
    WHERE k.contype = 'f' AND (k.confdeltype IN ('n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
    GROUP BY 1
),
tables AS MATERIALIZED (
    SELECT
        given.name, c.oid, c.oid::regclass::text AS regclass, c.relkind,
        c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits AS heir WHERE heir.inhparent = c.oid) AS has_heirs,
        coalesce(fired.computes_all, false) AS computes_all,
        coalesce(fired.before_update, false) AS before_update,
        coalesce(fired.before_insert, false) AS before_insert,
        coalesce(fired.of_columns, false) AS of_columns,
        {HIDES_ROWS} AS hides_rows,
        coalesce(references_to.changing, '{{}}') AS changing_references,
        coalesce(references_to.followed, '{{}}') AS followed,
        ARRAY(
            SELECT DISTINCT a.attname::text
            FROM pg_partition_tree(c.oid) AS part
            JOIN pg_partitioned_table AS p ON p.partrelid = part.relid
            JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
        ) AS partitioned_by,
        coalesce(pg_partition_root(c.oid), c.oid)::regclass::text AS root,
        ARRAY(  -- a PERIOD refers to several rows; keys to a partitioned table are there again for its partitions
            SELECT DISTINCT jsonb_build_array(
                coalesce(pg_partition_root(k.confrelid), k.confrelid)::regclass::text, k.convalidated,
                (
                    SELECT jsonb_agg(jsonb_build_array(own.attname, other.attname) ORDER BY own.attnum)
                    FROM unnest(k.conkey, k.confkey) AS pair (own, other)
                    JOIN pg_attribute AS own ON own.attrelid = k.conrelid AND own.attnum = pair.own
                    JOIN pg_attribute AS other ON other.attrelid = k.confrelid AND other.attnum = pair.other
                )
            )
            FROM pg_constraint AS k
            WHERE k.contype = 'f' AND k.conrelid = c.oid AND NOT to_jsonb(k) @> '{{"conperiod": true}}'
        ) AS foreign_keys
    FROM given
    JOIN pg_class AS c ON c.oid = given.oid AND c.relpersistence <> 't'
    LEFT JOIN references_to ON references_to.oid = c.oid
    CROSS JOIN LATERAL (  -- BEFORE, FOR EACH ROW; UPDATE OF
        SELECT bool_or(g.tgtype & 19 = 19) AS computes_all,
            bool_or(g.tgtype & 19 = 19) FILTER (WHERE {FIRES}) AS before_update,
            bool_or(g.tgtype & 7 = 7) FILTER (WHERE {FIRES}) AS before_insert,
            bool_or(g.tgattr::int2[] <> '{{}}') FILTER (WHERE {FIRES}) AS of_columns
        FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) AS part
        JOIN pg_trigger AS g ON g.tgrelid = part.relid AND NOT g.tgisinternal
    ) AS fired
),
chain AS (  -- each type of a column, and in turn those behind its domains and in its array
    SELECT DISTINCT atttypid AS oid, atttypmod AS modifier, 1 AS place,
        atttypid AS inner_oid, atttypmod AS inner_modifier, false AS is_element
    FROM given JOIN pg_attribute ON attrelid = given.oid
    UNION ALL
    SELECT chain.oid, chain.modifier, place + 1,
        CASE typtype WHEN 'd' THEN typbasetype ELSE typelem END,
        CASE typtype WHEN 'd' THEN typtypmod ELSE inner_modifier END, is_element OR typtype <> 'd'
    FROM chain JOIN pg_type ON pg_type.oid = inner_oid
    WHERE typtype = 'd' OR typelem <> 0 AND typlen = -1
),
behind AS (
    SELECT oid, modifier,
        (array_agg(name ORDER BY place) FILTER (WHERE NOT is_domain))[1] AS base_type,
        (array_agg(name ORDER BY place DESC))[1] AS element_type,
        bool_or(typnotnull AND NOT is_element) AS is_required,
        bool_or(is_hidden) AS is_hidden
    FROM (
        SELECT chain.*, typtype = 'd' AS is_domain, typnotnull, format_type(inner_oid, inner_modifier) AS name,
            typtype = 'b' AND typelem = 0 AND NOT pg_type_is_visible(pg_type.oid) AS is_hidden
        FROM chain JOIN pg_type ON pg_type.oid = inner_oid
    ) AS named
    GROUP BY oid, modifier
)
SELECT
    t.name, t.regclass, t.relkind, t.has_heirs, t.computes_all, t.before_update, t.before_insert, t.of_columns,
    t.hides_rows, t.changing_references, t.followed, t.partitioned_by, t.root, t.foreign_keys,
    a.attnotnull OR behind.is_required,
    {IS_FILLED},
    a.attidentity = 'a',
    behind.is_hidden,
    a.attcollation::regcollation::text,
    coalesce((SELECT NOT l.collisdeterministic FROM pg_collation AS l WHERE l.oid = a.attcollation), false),
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    behind.base_type,
    behind.element_type,
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    ARRAY(
        SELECT base.attname::text
        FROM pg_depend AS dep
        JOIN pg_attribute AS base ON base.attrelid = t.oid AND base.attnum = dep.refobjsubid
        WHERE a.attgenerated <> '' AND base.attnum <> a.attnum
            AND dep.classid = 'pg_attrdef'::regclass AND dep.objid = d.oid
            AND dep.refclassid = 'pg_class'::regclass AND dep.refobjid = t.oid
    )
FROM tables AS t
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
JOIN behind ON behind.oid = a.atttypid AND behind.modifier = a.atttypmod
ORDER BY t.name, a.attnum
"""  # noqa: S608  # nosec B608  (a constant is inserted)

# Whether a part or the condition of the index `i` depends on the row as a whole, which depends on no column by itself.
HAS_ROW = "concat(i.indexprs::text, i.indpred::text) LIKE '%%:varattno 0 %%'"

# Whether the index `i` depends on the column `a` by a part or by its condition, not only by INCLUDE.
INVOLVES = """
(
    a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    OR EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
    ) AND (
        a.attnum <> ALL (i.indkey::int2[])
        OR concat(i.indexprs::text, i.indpred::text) LIKE '%%:varattno ' || a.attnum || ' %%'
    )
)
"""

# A part of an index is compared in the index's collation, which may differ from that of its column.
KEYS = f"""
SELECT
    t.name,
    i.indexrelid::regclass::text,
    i.indisprimary,
    i.indnullsnotdistinct,
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
    ARRAY(
        SELECT CASE WHEN of_index.oid IS DISTINCT FROM a.attcollation
            THEN (SELECT format('%%I.%%I', n.nspname, l.collname) FROM pg_collation AS l
                JOIN pg_namespace AS n ON n.oid = l.collnamespace WHERE l.oid = of_index.oid)
            END
        FROM unnest(i.indcollation::oid[], i.indkey::int2[]) WITH ORDINALITY AS of_index (oid, attnum, k)
        LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = of_index.attnum AND of_index.attnum > 0
        WHERE k <= i.indnkeyatts
        ORDER BY k
    ),
    ARRAY(
        SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname)
        FROM unnest(exclusion.conexclop) WITH ORDINALITY AS used (oid, k)
        JOIN pg_operator AS o ON o.oid = used.oid
        JOIN pg_namespace AS n ON n.oid = o.oprnamespace
        ORDER BY used.k
    ),
    coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
    {HAS_ROW},
    NOT EXISTS (
        SELECT FROM unnest(i.indclass::oid[], i.indkey::int2[]) AS part (class, attnum)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum AND part.attnum > 0
        JOIN pg_opclass AS used ON used.oid = part.class
        CROSS JOIN LATERAL (
            WITH RECURSIVE behind (oid) AS (  -- the type of the column, and those behind its domains
                SELECT a.atttypid
                UNION ALL
                SELECT typbasetype FROM behind JOIN pg_type ON pg_type.oid = behind.oid AND typtype = 'd'
            )
            SELECT oid FROM behind
        ) AS behind
        JOIN pg_opclass AS usual
            ON usual.opcmethod = used.opcmethod AND usual.opcintype = behind.oid AND usual.opcdefault
        WHERE used.opcfamily <> usual.opcfamily AND NOT EXISTS (  -- their operators = differ
            SELECT FROM pg_amop AS one JOIN pg_amop AS other ON other.amopopr = one.amopopr
            WHERE one.amopfamily = used.opcfamily AND other.amopfamily = usual.opcfamily AND one.amopstrategy = 3
        )
    ),
    ARRAY(
        SELECT DISTINCT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND ({INVOLVES} OR {HAS_ROW} AND a.attnum > 0 AND NOT a.attisdropped)
    )
FROM unnest(%(names)s::text[], %(quoted)s::text[]) AS t (name, quoted)
JOIN pg_class AS c ON c.oid = to_regclass(t.quoted)
JOIN pg_index AS i ON i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
LEFT JOIN pg_constraint AS exclusion ON exclusion.conindid = i.indexrelid AND exclusion.conexclop IS NOT NULL
ORDER BY t.name, i.indisprimary DESC, i.indexrelid::regclass::text
"""  # noqa: S608  # nosec B608  (a constant is inserted)
