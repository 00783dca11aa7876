-- Preview: takes out the pairs whose target a type with rows of the source cannot hold.
-- reads: the stage, transfer_tally ('source'); writes: transfer_stage, transfer_stage_attribute, transfer_tally, which
--   keeps only the number of these rows, under the reason ('unfit', 'misfit' or 'shared').
-- index: the primary key of transfer_stage.
WITH unfit AS (
    SELECT misfit.pair, misfit.type, misfit.why, coalesce(misfit.n, sum(t.n)) AS n
    FROM (
        SELECT pair, type, max(why) AS why, max(n) AS n FROM ({misfits}) AS found GROUP BY pair, type
    ) AS misfit
    LEFT JOIN transfer_tally AS t ON t.pair = misfit.pair AND t.type = misfit.type AND t.what = 'source'
    GROUP BY misfit.pair, misfit.type, misfit.why, misfit.n
    HAVING coalesce(misfit.n, sum(t.n)) > 0
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
INSERT INTO transfer_tally (pair, type, what, n) SELECT pair, type, why, n FROM unfit
