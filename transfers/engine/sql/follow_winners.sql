-- Judged, after a second or later key: a row that lost to a row that has lost since goes to the final winner.
-- reads and writes: transfer_work.
-- Leans on no index.
UPDATE transfer_work AS w SET winner = l.winner
FROM transfer_work AS l
WHERE w.type = {type} AND l.type = {type} AND l."row" = w.winner AND l.winner IS NOT NULL
