-- Judged, foretold: children that would share a unique key of their own with one that their new parent has.
-- reads: transfer_work, the record table, the child table; writes: transfer_tally.
-- Leans on the ctid and on the index of the child's foreign key.
{clashing}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair, {type}, 'children', count(*) FROM clashing GROUP BY pair
