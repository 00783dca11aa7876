-- Before the run: returns a type with rows of a source whose target it cannot hold, and why.
-- reads: the stage, transfer_tally ('source'); writes: nothing.
-- index: none.
-- An ID that is too large is left to PostgreSQL, which names the type of the column.
SELECT t.type, misfit.why
FROM ({misfits}) AS misfit
JOIN transfer_tally AS t ON t.pair = misfit.pair AND t.type = misfit.type AND t.what = 'source'
WHERE misfit.why <> 'unfit'
ORDER BY t.type, misfit.why
LIMIT 1
