-- Overwrite, foretold: what hangs on the target's rows and would go with them.
-- reads: transfer_stage, the record table, the child table; writes: transfer_tally.
-- Leans on the index that the owner leads and on the one of the child's foreign key.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, 'children', count(*)
FROM {stage} AS p, {table} AS r, {parents} {child} AS c
WHERE {holds_target} AND {child_of_parent} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
GROUP BY p.pair
