-- Conflict-resolving: counts the outcomes per pair. A row that belongs to two pairs counts for each.
-- reads: transfer_work; writes: transfer_tally.
-- index: none.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, type, outcome, count(*)
FROM transfer_work
WHERE type = {type} AND outcome <> 'stays'
GROUP BY pair, type, outcome
