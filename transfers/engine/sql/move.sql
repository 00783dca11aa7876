-- Direct: moves every row of a source to its target.
-- reads: transfer_stage; writes: the record table, transfer_tally.
-- index: the owner column.
WITH moved AS (
    UPDATE {table} AS r SET {column} = {target}
    FROM {stage} AS p
    WHERE {holds_source}
    RETURNING p.pair
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'moved', count(*) FROM moved GROUP BY pair
