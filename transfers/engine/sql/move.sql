-- Direct: moves every row of a source to its target.
-- reads: transfer_stage; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: the owner column.
WITH done AS (
    UPDATE {table} AS r SET {column} = {target}
    FROM {stage} AS p
    WHERE {holds_source}
    RETURNING p.pair, p.source, p.target, {key} AS key
),
{updated},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, 'moved', n FROM entries
