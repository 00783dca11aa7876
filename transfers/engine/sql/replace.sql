-- Overwrite: the target's rows are discarded, where the source has rows to take their place.
-- reads: transfer_stage; writes: the record table, the discarded rows, transfer_tally.
-- Leans on the index that the owner leads.
WITH gone AS (
    DELETE FROM {table} AS r
    USING {stage} AS p
    WHERE {holds_target} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING p.pair, to_jsonb(r) AS "row"
),
kept AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {table_name}, 'replaced', "row" FROM gone
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'replaced', count(*) FROM gone GROUP BY pair
