-- Judged: folds the values of the losing rows into the row that was kept, which thereby gets a new ctid.
-- reads: transfer_work; writes: the record table, transfer_work.
-- Leans on the ctid.
WITH folded AS (
    UPDATE {table} AS r SET {assignments}
    FROM (
        SELECT w.winner, {aggregates}
        FROM (SELECT DISTINCT "row", winner FROM transfer_work WHERE type = {type} AND fate = 'merged') AS w
        JOIN {table} AS l ON l.ctid = w."row"
        GROUP BY w.winner
    ) AS f
    WHERE r.ctid = f.winner
    RETURNING f.winner AS was, r.ctid AS "is"
)
UPDATE transfer_work AS w SET
    "row" = CASE WHEN w."row" = folded.was THEN folded."is" ELSE w."row" END,
    winner = CASE WHEN w.winner = folded.was THEN folded."is" ELSE w.winner END
FROM folded
WHERE w.type = {type} AND folded.was = CASE w.fate WHEN 'merged' THEN w.winner ELSE w."row" END
