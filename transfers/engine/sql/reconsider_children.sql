-- Conflict-resolving, after each round of several keys of a child: children that lost to one that has lost itself take
--   part again.
-- writes: transfer_work.
-- index: transfer_work_row, transfer_work_winner.
DELETE FROM transfer_work AS w
WHERE w.type = {child_type} AND w.winner IS NOT NULL AND EXISTS (
    SELECT FROM transfer_work AS l
    WHERE l.type = {child_type} AND l.relation = w.winner_relation AND l."row" = w.winner
)
