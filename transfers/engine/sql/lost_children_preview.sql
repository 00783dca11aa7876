-- Judged, foretold: what hangs on a losing row and would go with it.
-- reads: transfer_work, the record table, the child table; writes: transfer_tally.
-- Leans on the ctid and on the index of the child's foreign key.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT w.pair, {type}, 'children', count(*)
FROM {lost} AS w, {table} AS r, {parents} {child} AS c
WHERE r.ctid = w."row" AND {goes_with_parent} AND {child_of_parent}
GROUP BY w.pair
