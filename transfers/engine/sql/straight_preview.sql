-- Straight, foretold: all rows of the source move; with Overwrite the target's are replaced where there are any.
-- reads: transfer_tally ('source' and 'target', counted before); writes: transfer_tally.
-- Leans on no index.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT s.pair, s.type, 'moved', s.n
FROM transfer_tally AS s WHERE s.type = {type} AND s.what = 'source'
UNION ALL
SELECT t.pair, t.type, 'replaced', t.n
FROM transfer_tally AS t
JOIN transfer_tally AS s ON s.pair = t.pair AND s.type = t.type AND s.what = 'source'
WHERE t.type = {type} AND t.what = 'target' AND {overwrites}
