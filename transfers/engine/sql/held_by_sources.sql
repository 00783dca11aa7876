-- Counts, per pair, the rows that hold the source in any owner now.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT h.pair, {type} AS type, count(*) AS n FROM ({holding_source}) AS h GROUP BY h.pair
