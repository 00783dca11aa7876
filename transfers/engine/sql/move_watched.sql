-- Direct, if a trigger may change further columns: moves every row of a source to its target, and keeps all columns.
-- reads: transfer_stage; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: the owner column.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", p.pair, {before_values} AS before, {new_values}
    FROM {table} AS r
    JOIN {stage} AS p ON {holds_source}
    FOR UPDATE OF r
),
{written},
{updated},
done AS (
    SELECT pair, key, before, after, as_intended, NULL::text AS partners FROM written
),
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, 'moved', n FROM entries
UNION ALL
{unintended}
