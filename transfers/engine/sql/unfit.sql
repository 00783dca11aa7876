-- Preview: takes out the pairs whose target has an ID that a type with rows of the source cannot hold.
-- reads: transfer_stage, transfer_tally ('source'), two arrays: the types and the largest ID that each can hold;
--   writes: transfer_stage, transfer_stage_attribute, transfer_tally, which keeps only 'unfit' of such a pair.
-- index: the primary key of transfer_stage.
WITH unfit AS (
    SELECT t.pair, t.type, sum(t.n) AS n
    FROM transfer_tally AS t
    JOIN transfer_stage AS p ON p.pair = t.pair
    JOIN unnest(%(types)s::text[], %(largest)s::bigint[]) AS narrow (type, largest) ON narrow.type = t.type
    WHERE t.what = 'source' AND p.target > narrow.largest
    GROUP BY t.pair, t.type
),
unstaged AS (
    DELETE FROM transfer_stage WHERE pair IN (SELECT pair FROM unfit)
),
unstaged_attribute AS (
    DELETE FROM transfer_stage_attribute WHERE pair IN (SELECT pair FROM unfit)
),
uncounted AS (
    DELETE FROM transfer_tally WHERE pair IN (SELECT pair FROM unfit)
)
INSERT INTO transfer_tally (pair, type, what, n) SELECT pair, type, 'unfit', n FROM unfit
