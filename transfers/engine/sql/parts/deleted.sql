-- Part: counts the rows that the statement deleted (its CTE `deleted`), each once.
-- reads: deleted (relation); writes: transfer_changes.
counted AS (
    INSERT INTO transfer_changes (type, relation, deleted)
    SELECT {deleted_type}, relation, count(*) FROM deleted GROUP BY relation
)
