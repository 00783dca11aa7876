-- Before the run: returns a type with rows of a source whose target it cannot hold, and why.
-- reads: the stage, transfer_tally ('source'); writes: nothing.
-- index: none.
-- An ID that is too large is left to PostgreSQL, which names the type of the column.
SELECT misfit.type, misfit.why
FROM ({misfits}) AS misfit
LEFT JOIN transfer_tally AS t ON t.pair = misfit.pair AND t.type = misfit.type AND t.what = 'source'
WHERE misfit.why <> 'unfit' AND coalesce(misfit.n, t.n) > 0
ORDER BY misfit.type, misfit.why
LIMIT 1
