-- Part: the lost rows, each once, with its strongest outcome (replaced, then merged, then dropped) and its first pair.
-- reads: transfer_work.
-- index: none.
(
    SELECT DISTINCT ON (relation, "row") relation, "row", pair, outcome, winner_relation, winner
    FROM transfer_work
    WHERE type = {type} AND outcome IN ('dropped', 'merged', 'replaced')
    ORDER BY relation, "row", outcome DESC, pair
)
