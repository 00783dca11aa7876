-- Counts, per pair, the rows that hold the source and those that hold the target, in any owner.
-- reads: transfer_stage, the record table; its result is inserted into transfer_tally with that of all other types.
-- index: the owner columns.
SELECT s.pair, {type}, 'source', count(*) FROM ({source_rows}) AS s GROUP BY s.pair
UNION ALL
SELECT t.pair, {type}, 'target', count(*) FROM ({target_rows}) AS t GROUP BY t.pair
