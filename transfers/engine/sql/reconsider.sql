-- Conflict-resolving, after each round of several keys: rows that lost to one that has lost itself take part again.
-- reads and writes: transfer_work.
-- index: transfer_work_row, transfer_work_winner.
-- Until the next round is over, their winner is the sign that there is something to decide.
UPDATE transfer_work AS w SET
    outcome = CASE w.outcome WHEN 'replaced' THEN 'stays' WHEN 'stays' THEN 'stays' ELSE 'moved' END,
    winner_relation = CASE WHEN w.outcome NOT IN ('moved', 'stays') AND {goes_on} THEN w.winner_relation END,
    winner = CASE WHEN w.outcome NOT IN ('moved', 'stays') AND {goes_on} THEN w.winner END
WHERE w.type = {type} AND w.winner IS NOT NULL AND (
    w.outcome IN ('moved', 'stays')
    OR EXISTS (
        SELECT FROM transfer_work AS l
        WHERE l.type = {type} AND l.relation = w.winner_relation AND l."row" = w.winner
            AND l.outcome NOT IN ('moved', 'stays')
    )
)
