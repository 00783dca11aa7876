-- Conflict-resolving: drops rows whose first two owners would be the same user; such a row has no winner.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid; transfer_work_row.
-- The owners are compared as users, because their columns may hold them in different ways.
UPDATE transfer_work AS w SET outcome = 'dropped'
FROM (
    SELECT w.relation, w."row"
    FROM transfer_work AS w
    JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
    JOIN {stage} AS p ON p.pair = w.pair AND {of_owner} AND ({holds_source} OR {holds_target})
    WHERE w.type = {type} AND EXISTS (
        SELECT FROM {other_stage} AS p
        WHERE p.pair = w.pair AND {of_other_owner} AND ({other_owner_holds_source} OR {other_owner_holds_target})
    )
) AS edge
WHERE w.type = {type} AND w.relation = edge.relation AND w."row" = edge."row"
