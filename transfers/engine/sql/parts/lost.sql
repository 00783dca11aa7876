-- Part: the lost rows, each once, with the outcome that prevails ('replaced', 'merged', 'dropped') and the first pair.
-- reads: transfer_work.
-- index: none.
(
    SELECT DISTINCT ON ("row") "row", pair, outcome, winner
    FROM transfer_work
    WHERE type = {type} AND outcome IN ('dropped', 'merged', 'replaced')
    ORDER BY "row", outcome DESC, pair
)
