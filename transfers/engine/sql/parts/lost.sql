-- Part: the lost rows, each once, with its strongest outcome (replaced, then merged, then dropped) and its first pair.
-- reads: transfer_work.
-- index: none.
(
    SELECT DISTINCT ON ("row") "row", pair, outcome, winner
    FROM transfer_work
    WHERE type = {type} AND outcome IN ('dropped', 'merged', 'replaced')
    ORDER BY "row", outcome DESC, pair
)
