-- Part: counts the rows that the statement deleted (its CTE `deleted`), each once.
-- reads: deleted (relation); writes: transfer_deleted.
counted AS (
    INSERT INTO transfer_deleted (type, relation, n)
    SELECT {deleted_type}, relation, count(*) FROM deleted GROUP BY relation
)
