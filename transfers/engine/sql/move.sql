-- Straight: every row of a source becomes the target's.
-- reads: transfer_stage; writes: the record table, transfer_tally.
-- Leans on the index that the owner column leads.
WITH moved AS (
    UPDATE {table} AS r SET {owner} = p.target
    FROM transfer_stage AS p
    WHERE r.{owner} = p.source
    RETURNING p.pair
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'moved', count(*) FROM moved GROUP BY pair
