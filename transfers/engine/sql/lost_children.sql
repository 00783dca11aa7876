-- Judged: what hangs on a losing row goes with it, where the type says so or where no row was kept in its place.
-- reads: transfer_work, the record table; writes: the child table, the discarded rows, transfer_tally.
-- Leans on the ctid and on the index of the child's foreign key.
WITH gone AS (
    DELETE FROM {child} AS c
    USING {parents} {lost} AS w, {table} AS r
    WHERE r.ctid = w."row" AND {goes_with_parent} AND {child_of_parent}
    RETURNING w.pair, w.fate, to_jsonb(c) AS "row"
),
kept AS (
    INSERT INTO transfers_discardedrow (transfer_id, pair_id, data_type, "table", reason, "row")
    SELECT current_setting('transfers.transfer')::bigint, pair, {type}, {child_name}, fate, "row" FROM gone
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'children', count(*) FROM gone GROUP BY pair
