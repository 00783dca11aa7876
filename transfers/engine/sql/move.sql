-- Straight: every row of a source becomes the target's.
-- reads: transfer_stage; writes: the record table, transfer_tally.
-- Leans on the index that the owner leads.
WITH moved AS (
    UPDATE {table} AS r SET {column} = {target}
    FROM {stage} AS p
    WHERE {holds_source}
    RETURNING p.pair
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'moved', count(*) FROM moved GROUP BY pair
