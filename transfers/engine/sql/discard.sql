-- Conflict-resolving: deletes the losing rows. The journal keeps each of them for every pair that it is counted for, and
--   where rows can belong to users of several pairs or are folded, the key of the row to which it lost.
-- reads: transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: ctid.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING (
        SELECT w.relation, w."row", array_agg(w.pair) AS pairs, array_agg(w.outcome) AS outcomes, {kept_key} AS key
        FROM transfer_work AS w{with_kept}
        WHERE w.type = {deleted_type} AND w.outcome IN ('dropped', 'merged', 'replaced')
        GROUP BY w.relation, w."row"
    ) AS w
    WHERE r.tableoid = w.relation AND r.ctid = w."row"
    RETURNING w.relation, w.pairs, w.outcomes, w.key, ROW(r.*)::text AS before
),
done AS (
    SELECT unnest(pairs) AS pair, unnest(outcomes) AS what, key, before,
        CASE WHEN cardinality(pairs) > 1 THEN pairs::text END AS partners
    FROM deleted
),
{counted},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, what, n FROM entries
{children_of_replaced}
