-- Judged: counts what goes with lost rows, per pair.
-- reads: transfer_work; writes: transfer_tally.
-- Leans on no index.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT w.pair, {type}, 'children', count(*) FROM transfer_work AS w WHERE w.type = {child_type} GROUP BY w.pair
