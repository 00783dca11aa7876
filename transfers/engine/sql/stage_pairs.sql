-- Puts the pairs of a batch on the stage.
-- reads: three arrays of equal length; writes: transfer_stage.
-- Leans on no index.
INSERT INTO transfer_stage (pair, source, target)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
