-- Counts, per pair, the rows of the source and of the target: those that hold them in any owner column.
-- reads: the record table; writes: transfer_tally.
-- Leans on the indexes that the owner columns lead.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, c.what, c.n
FROM transfer_stage AS p
CROSS JOIN LATERAL (VALUES ('source', {rows_of_source}), ('target', {rows_of_target})) AS c (what, n)
WHERE c.n > 0
