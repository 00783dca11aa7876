(
    SELECT DISTINCT ON ("row") "row", pair, fate, winner
    FROM transfer_work
    WHERE type = {type} AND fate IN ('dropped', 'merged', 'replaced')
    ORDER BY "row", fate DESC, pair
)
