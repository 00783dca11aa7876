-- Counts, per pair, the rows that hold the source, and those that hold the target, in any owner.
-- reads: transfer_stage, the record table; its rows go to transfer_tally, with those of all other types.
-- Leans on the indexes that the owners lead.
SELECT h.pair, {type}, 'source', count(*) FROM ({holding_source}) AS h GROUP BY h.pair
UNION ALL
SELECT h.pair, {type}, 'target', count(*) FROM ({holding_target}) AS h GROUP BY h.pair
