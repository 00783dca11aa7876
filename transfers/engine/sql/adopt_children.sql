-- Judged: what hangs on a losing row is handed to the row that was kept.
-- reads: transfer_work, the record table; writes: the child table.
-- Leans on the ctid and on the index of the child's foreign key.
UPDATE {child} AS c SET {foreign_key} = kept.{referenced}
FROM {lost} AS w
JOIN {table} AS lost ON lost.ctid = w."row"
JOIN {table} AS kept ON kept.ctid = w.winner
WHERE c.{foreign_key} = lost.{referenced}
