-- Conflict-resolving: counts the rows that will have the same user in their first two owners, and did not before.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_tally.
-- index: ctid.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT w.pair, {type}, 'same_user', count(*)
FROM transfer_work AS w
JOIN {table} AS r ON r.tableoid = w.relation AND r.ctid = w."row"
JOIN {stage} AS p ON p.pair = w.pair AND {of_owner}
WHERE w.type = {type} AND w.outcome = 'moved' AND (
    {holds_source} AND EXISTS (
        SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_target}
    )
    OR {holds_target} AND EXISTS (
        SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_source}
    )
) AND NOT (  -- a list may hold both users
    {holds_source} AND EXISTS (
        SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_source}
    )
    OR {holds_target} AND EXISTS (
        SELECT FROM {other_stage} AS p WHERE p.pair = w.pair AND {of_other_owner} AND {other_owner_holds_target}
    )
)
GROUP BY w.pair
