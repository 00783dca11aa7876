-- Profile: returns the pairs with a row of a source that a user of another tenant may be meant by, or by the target's.
-- reads: the stage, the record table; writes: nothing.
-- index: the unique index on the owner column.
SELECT p.pair, {type} AS type, 'shared' AS why, 1::bigint AS n FROM {stage} AS p JOIN {table} AS f ON {source_row}
WHERE p.is_shared
