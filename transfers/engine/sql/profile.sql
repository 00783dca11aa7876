-- Profile: folds the values of the source's row into the target's; the source's row is unchanged.
-- reads: transfer_stage; writes: the record table, transfer_tally.
-- index: the unique index on the owner column.
WITH changed AS (
    UPDATE {table} AS r SET {assignments}
    FROM {stage} AS p
    JOIN {table} AS f ON {source_row}
    WHERE {holds_target} AND ({changes})
    RETURNING p.pair
)
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, what, 1 FROM changed CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
