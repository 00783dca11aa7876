-- Part: the lost rows, once for each pair in which the row has its strongest outcome.
-- reads: transfer_work.
-- index: none.
(
    SELECT relation, "row", pair, outcome, winner_relation, winner, place
    FROM (
        SELECT relation, "row", pair, outcome, winner_relation, winner, place,
            max(outcome) OVER (PARTITION BY relation, "row") AS final_outcome
        FROM transfer_work
        WHERE type = {type} AND outcome IN ('dropped', 'merged', 'replaced')
    ) AS lost
    WHERE outcome = final_outcome
)
