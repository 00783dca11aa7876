-- Judged: a child that would share a unique key of its own with one that its new parent has is discarded.
-- reads: transfer_work, the record table; writes: the child table, the discarded rows, transfer_tally.
-- Leans on the ctid and on the index of the child's foreign key.
{clashing},
gone AS (
    DELETE FROM {child} AS c
    USING clashing
    WHERE c.ctid = clashing._row
    RETURNING clashing.pair, to_jsonb(c) AS "row"
),
kept AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT current_setting('transfers.transfer')::bigint, pair, {type}, {child_name}, 'dropped', "row" FROM gone
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'children', count(*) FROM gone GROUP BY pair
