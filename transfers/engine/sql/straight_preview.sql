-- Straight, foretold: all rows of the source move; with Overwrite the target's are replaced where there are any.
-- reads: transfer_tally ('source' and 'target', counted before); writes: transfer_tally.
-- Leans on no index.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT held.pair, {type}, fate.what, fate.n
FROM (
    SELECT t.pair,
        sum(t.n) FILTER (WHERE t.what = 'source') AS of_source,
        sum(t.n) FILTER (WHERE t.what = 'target') AS of_target
    FROM transfer_tally AS t
    WHERE t.type = {type}
    GROUP BY t.pair
) AS held
CROSS JOIN LATERAL (
    VALUES
        ('moved', held.of_source),
        ('replaced', CASE WHEN {overwrites} AND held.of_source > 0 THEN held.of_target END)
) AS fate (what, n)
WHERE fate.n > 0
