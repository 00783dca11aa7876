-- Overwrite: discards the target's rows if the source has rows to replace them.
-- reads: transfer_stage; writes: the record table, the discarded rows, transfer_tally.
-- index: the owner column.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING {stage} AS p
    WHERE {holds_target} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING p.pair, to_jsonb(r) AS "row"
),
discarded AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {table_name}, 'replaced', "row"
    FROM deleted
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'replaced', count(*) FROM deleted GROUP BY pair
