-- Control after a profile: returns the type if a value of a source's row is still not in the target's row.
-- reads: transfer_stage, the record table; writes: nothing.
-- index: the unique index on the owner column.
SELECT {type} AS type
WHERE EXISTS (
    SELECT FROM {stage} AS p
    JOIN {table} AS f ON {source_row}
    JOIN {table} AS r ON {holds_target}
    WHERE {changes}
)
