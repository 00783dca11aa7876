-- Conflict-resolving: re-points the remaining children of lost rows to the row that was kept.
-- reads: transfer_work, the parent table; writes: the child table.
-- index: ctid; the child's foreign key.
UPDATE {child} AS c SET {foreign_key} = kept.{referenced}
FROM {lost} AS w
JOIN {parent} AS lost ON lost.ctid = w."row"
JOIN {parent} AS kept ON kept.ctid = w.winner
WHERE c.{foreign_key} = lost.{referenced}
