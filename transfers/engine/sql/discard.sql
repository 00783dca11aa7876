-- Judged: the losing rows leave the record table and are kept aside as they were.
-- reads: transfer_work; writes: the record table, the discarded rows.
-- Leans on the ctid.
WITH gone AS (
    DELETE FROM {table} AS r
    USING {lost} AS w
    WHERE r.ctid = w."row"
    RETURNING w.pair, w.fate, to_jsonb(r) AS "row"
)
INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {table_name}, fate, "row" FROM gone
