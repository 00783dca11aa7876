(
    SELECT "row", pair, fate, winner
    FROM (
        SELECT "row", pair, fate, winner, max(fate) OVER (PARTITION BY "row") AS last_word
        FROM transfer_work
        WHERE type = {type} AND fate IN ('dropped', 'merged', 'replaced')
    ) AS gone
    WHERE fate = last_word
)
