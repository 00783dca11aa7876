-- Judged: counts the fates per pair. A row that belongs to two pairs counts for each.
-- reads: transfer_work; writes: transfer_tally.
-- Leans on no index.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, type, fate, count(*)
FROM transfer_work
WHERE type = {type} AND fate <> 'stays'
GROUP BY pair, type, fate
