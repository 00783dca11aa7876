-- Judged: what hangs on a lost row and was not noted as going is handed to the row that was kept.
-- reads: transfer_work, the parent's table; writes: the child's table.
-- Leans on the ctid and on the index of the child's foreign key.
UPDATE {child} AS c SET {foreign_key} = kept.{referenced}
FROM {lost} AS w
JOIN {parent} AS lost ON lost.ctid = w."row"
JOIN {parent} AS kept ON kept.ctid = w.winner
WHERE c.{foreign_key} = lost.{referenced}
