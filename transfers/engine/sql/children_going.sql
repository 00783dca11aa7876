-- Judged: notes what hangs on a lost row and goes with it, because the type says so or no row was kept in its place.
-- reads: transfer_work, the parent's table, the child's; writes: transfer_work.
-- Leans on the ctid and on the index of the child's foreign key.
INSERT INTO transfer_work (type, "row", pair, fate)
SELECT {child_type}, r.ctid, w.pair, w.fate
FROM {lost_by_pair} AS w
JOIN {parent} AS lost ON lost.ctid = w."row"
JOIN {child} AS r ON r.{foreign_key} = lost.{referenced}
WHERE {goes_with_parent}
{lock}
