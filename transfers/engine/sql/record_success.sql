-- Marks the pairs of the batch as transferred, with their counts, in the transaction that moved their rows.
-- reads: transfer_stage, transfer_tally; writes: the pairs.
-- Leans on the primary key of the pairs.
UPDATE transfers_transferpair AS pair SET state = 'succeeded', finished_at = clock_timestamp(), counts = coalesce(c.counts, '{}')
FROM transfer_stage AS p
LEFT JOIN (
    SELECT t.pair, jsonb_object_agg(t.type, t.numbers) AS counts
    FROM (
        SELECT s.pair, s.type, jsonb_object_agg(s.what, s.n) AS numbers
        FROM (SELECT pair, type, what, sum(n) AS n FROM transfer_tally GROUP BY pair, type, what) AS s
        GROUP BY s.pair, s.type
    ) AS t
    GROUP BY t.pair
) AS c ON c.pair = p.pair
WHERE pair.id = p.pair
