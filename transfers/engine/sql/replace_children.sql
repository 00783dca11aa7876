-- Overwrite: what hangs on the target's rows goes with them, where the source has rows to take their place.
-- reads: transfer_stage, the record table; writes: the child table, the discarded rows, transfer_tally.
-- Leans on the index that the owner leads and on the one of the child's foreign key.
WITH gone AS (
    DELETE FROM {child} AS c
    USING {parents} {stage} AS p, {table} AS r
    WHERE {holds_target} AND {child_of_parent} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING p.pair, to_jsonb(c) AS "row"
),
kept AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {child_name}, 'replaced', "row" FROM gone
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'children', count(*) FROM gone GROUP BY pair
