-- Conflict-resolving: deletes the losing rows and keeps a copy of each as a discarded row.
-- reads: transfer_work; writes: the record table, the discarded rows.
-- index: ctid.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING {lost} AS w
    WHERE r.ctid = w."row"
    RETURNING w.pair, w.outcome, to_jsonb(r) AS "row"
)
INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {table_name}, outcome, "row" FROM deleted
