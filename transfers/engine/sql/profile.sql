-- Profile: folds the values of the source's own row into the target's; the source keeps theirs.
-- reads: transfer_stage, the users; writes: the users, transfer_tally.
-- Leans on the primary key of the users.
WITH changed AS (
    UPDATE {table} AS r SET {assignments}
    FROM transfer_stage AS p
    JOIN {table} AS f ON f.id = p.source
    WHERE r.id = p.target AND ({changes})
    RETURNING p.pair
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, what, 1 FROM changed CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
