-- Conflict-resolving, one owner that holds one user: moves each surviving row to the target.
-- reads: transfer_stage, transfer_work; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: ctid.
WITH done AS (
    UPDATE {table} AS r SET {column} = {target}
    FROM transfer_work AS w
    JOIN {stage} AS p ON p.pair = w.pair AND {of_owner}
    WHERE w.type = {type} AND w.outcome = 'moved' AND r.tableoid = w.relation AND r.ctid = w."row"
    RETURNING p.pair, p.source, p.target, {key} AS key
),
{updated},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, 'moved', n FROM entries
