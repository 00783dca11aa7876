-- Part: counts the rows that the statement updated.
-- reads: the CTE that returns them; writes: transfer_changes.
updated AS (
    INSERT INTO transfer_changes (type, relation, updated)
    SELECT {type}, {relation}::regclass, count(*) FROM {rows}
)
