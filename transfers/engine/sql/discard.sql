-- Conflict-resolving: deletes the losing rows. The journal keeps each of them for every pair that it is counted for.
-- reads: transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: ctid.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING {lost} AS w
    WHERE r.tableoid = w.relation AND r.ctid = w."row"
    RETURNING w.relation, w."row", ROW(r.*)::text AS before
),
done AS (
    SELECT w.pair, w.outcome AS what, deleted.before
    FROM deleted
    JOIN transfer_work AS w ON w.relation = deleted.relation AND w."row" = deleted."row"
    WHERE w.type = {deleted_type} AND w.outcome IN ('dropped', 'merged', 'replaced')
),
{counted},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, what, n FROM entries
