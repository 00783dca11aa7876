-- Overwrite, foretold: what hangs on the target's rows and would go with them.
-- reads: transfer_stage, the record table, the child table; writes: transfer_tally.
-- Leans on the index that the owner column leads and on the one of the child's foreign key.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, 'children', count(*)
FROM transfer_stage AS p
JOIN {table} AS r ON r.{owner} = p.target
JOIN {child} AS c ON c.{foreign_key} = r.{referenced}
WHERE EXISTS (SELECT FROM {table} AS s WHERE s.{owner} = p.source)
GROUP BY p.pair
