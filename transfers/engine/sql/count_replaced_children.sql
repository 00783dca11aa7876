-- Overwrite: counts the children of the target's rows that are to be deleted, in the preview and to verify the run.
-- reads: transfer_stage, the record table, the child table; writes: transfer_tally.
-- index: the owner column; the child's foreign key.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT found.pair, {type}, counted_as, found.n
FROM (
    SELECT p.pair, count(*) AS n
    FROM {stage} AS p, {table} AS r, {parents} {child} AS c
    WHERE {holds_target} AND {child_of_parent} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    GROUP BY p.pair
) AS found
CROSS JOIN unnest({counted_as}) AS counted_as
