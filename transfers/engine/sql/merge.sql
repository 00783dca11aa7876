-- Conflict-resolving: folds the values of the losing rows into the kept row, whose ctid changes with the update.
-- reads: transfer_work; writes: the record table, transfer_work.
-- index: ctid.
WITH folded AS (
    UPDATE {table} AS r SET {assignments}
    FROM (
        SELECT w.winner, {aggregates}
        FROM (SELECT DISTINCT "row", winner FROM transfer_work WHERE type = {type} AND outcome = 'merged') AS w
        JOIN {table} AS l ON l.ctid = w."row"
        GROUP BY w.winner
    ) AS f
    WHERE r.ctid = f.winner
    RETURNING f.winner AS old_ctid, r.ctid AS new_ctid
)
UPDATE transfer_work AS w SET
    "row" = CASE WHEN w."row" = folded.old_ctid THEN folded.new_ctid ELSE w."row" END,
    winner = CASE WHEN w.winner = folded.old_ctid THEN folded.new_ctid ELSE w.winner END
FROM folded
WHERE w.type = {type} AND folded.old_ctid = CASE w.outcome WHEN 'merged' THEN w.winner ELSE w."row" END
