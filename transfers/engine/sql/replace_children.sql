-- Overwrite: discards the children of the target's rows if the source has rows to replace them.
-- reads: transfer_stage, the record table; writes: the child table, the discarded rows, transfer_tally.
-- index: the owner column; the child's foreign key.
WITH deleted AS (
    DELETE FROM {child} AS c
    USING {parents} {stage} AS p, {table} AS r
    WHERE {holds_target} AND {child_of_parent} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING p.pair, to_jsonb(c) AS "row"
),
discarded AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT (SELECT current_setting('transfers.transfer')::bigint), pair, {type}, {child_name}, 'replaced', "row"
    FROM deleted
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'children', count(*) FROM deleted GROUP BY pair
