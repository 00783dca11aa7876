-- Conflict-resolving: drops rows whose first two owners become the same user; such a row has no winner.
-- Rows that had one user in both before are moved like any other.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid; transfer_work_row.
-- The owners are compared as users, because their columns may hold them in different ways.
UPDATE transfer_work AS w SET outcome = 'dropped'
FROM (
    SELECT w.relation, w."row"
    FROM transfer_work AS w
    JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
    JOIN {stage} AS p ON p.pair = w.pair AND {of_owner}
    WHERE w.type = {type} AND (
        {holds_source} AND EXISTS (
            SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_target}
        )
        OR {holds_target} AND EXISTS (
            SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_source}
        )
    )
) AS edge
WHERE w.type = {type} AND w.relation = edge.relation AND w."row" = edge."row"
