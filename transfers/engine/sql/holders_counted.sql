-- Control total before the move, if a row holds at most one user: the rows that were counted for the pairs.
-- reads: transfer_tally ('source' and 'target'); writes: nothing.
-- index: none.
SELECT {type} AS type, coalesce(sum(t.n), 0)::bigint AS n
FROM transfer_tally AS t
WHERE t.type = {type} AND t.what IN ('source', 'target')
