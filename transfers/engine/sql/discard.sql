-- Conflict-resolving: deletes the losing rows. The journal keeps each of them for every pair that it is counted for.
-- reads: transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: ctid.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING (
        SELECT relation, "row", array_agg(pair) AS pairs, array_agg(outcome) AS outcomes
        FROM transfer_work
        WHERE type = {deleted_type} AND outcome IN ('dropped', 'merged', 'replaced')
        GROUP BY relation, "row"
    ) AS w
    WHERE r.tableoid = w.relation AND r.ctid = w."row"
    RETURNING w.relation, w.pairs, w.outcomes, ROW(r.*)::text AS before
),
done AS (
    SELECT unnest(pairs) AS pair, unnest(outcomes) AS what, before,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM deleted
),
{counted},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, what, n FROM entries
