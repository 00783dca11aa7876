-- Counts, per pair, the rows that currently hold the source in any owner.
-- reads: transfer_stage, the record table; writes: nothing.
-- index: the owner columns.
SELECT r.pair, {type} AS type, count(*) AS n FROM ({rows}) AS r GROUP BY r.pair
