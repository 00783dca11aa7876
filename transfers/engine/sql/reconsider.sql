-- Conflict-resolving, after each round of several keys: rows that lost to one that has lost itself take part again.
-- reads and writes: transfer_work.
-- index: transfer_work_row, transfer_work_winner.
UPDATE transfer_work AS w SET
    outcome = CASE w.outcome WHEN 'replaced' THEN 'stays' ELSE 'moved' END,
    winner_relation = NULL, winner = NULL, again = true
WHERE w.type = {type} AND w.winner IS NOT NULL AND EXISTS (
    SELECT FROM transfer_work AS l
    WHERE l.type = {type} AND l.relation = w.winner_relation AND l."row" = w.winner AND l.winner IS NOT NULL
)
