-- Profile: folds the values of the source's row into the target's; the source's row is unchanged.
-- reads: transfer_stage; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: the unique index on the owner column.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", p.pair, {before_values} AS before, {new_values}
    FROM {stage} AS p
    JOIN {table} AS f ON {source_row}
    JOIN {table} AS r ON {holds_target}
    WHERE {changes}
    FOR UPDATE OF r
),
{written},
{updated},
done AS (
    SELECT pair, key, before, after, as_intended, NULL::text AS partners FROM written
),
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, w.what, n FROM entries CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
UNION ALL
{unintended}
