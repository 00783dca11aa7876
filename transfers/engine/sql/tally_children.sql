-- Conflict-resolving: counts, per pair, the children lost with their parents or detached from them.
-- reads: transfer_work; writes: transfer_tally.
-- index: none.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT w.pair, {type}, {what}, count(*) FROM transfer_work AS w WHERE w.type = {child_type} GROUP BY w.pair
