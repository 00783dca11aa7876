-- Conflict-resolving: maps all owners of each surviving row in one UPDATE. A row of two pairs is kept for both.
-- reads: transfer_stage, transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: ctid.
WITH new AS MATERIALIZED (
    SELECT r.tableoid AS relation, r.ctid AS "row", w.pairs, {before_values} AS before, {new_values}
    FROM (
        SELECT relation, "row", max(renamed) AS renamed, array_agg(pair) AS pairs
        FROM transfer_work
        WHERE type = {type} AND outcome = 'moved'
        GROUP BY relation, "row"
    ) AS w
    JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
),
{written},
{updated},
done AS (
    SELECT unnest(pairs) AS pair, key, before, after, as_intended,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM written
),
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, 'moved', n FROM entries
UNION ALL
{unintended}
