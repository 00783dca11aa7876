-- Conflict-resolving, after the second and later keys: replaces a winner that has itself lost by the row it lost to.
-- reads and writes: transfer_work.
-- index: transfer_work_row.
UPDATE transfer_work AS w SET winner_relation = l.winner_relation, winner = l.winner
FROM transfer_work AS l
WHERE w.type = {type} AND l.type = {type}
    AND l.relation = w.winner_relation AND l."row" = w.winner AND l.winner IS NOT NULL
