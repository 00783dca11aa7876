-- Preview of a Rename: counts the rows per pair for which no name is free, so that their key would refuse them.
-- reads: transfer_work; writes: transfer_tally.
-- index: none.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, type, 'nameless', count(*)
FROM transfer_work
WHERE type = {type} AND outcome = 'moved' AND renamed = ''
GROUP BY pair, type
