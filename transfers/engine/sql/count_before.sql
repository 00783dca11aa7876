-- Counts, per pair, the rows that hold the source, or the target, in any owner.
-- reads: transfer_stage, the record table; writes: transfer_tally.
-- Leans on the indexes that the owners lead.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT h.pair, {type}, {what}, count(*) FROM ({holding}) AS h GROUP BY h.pair
