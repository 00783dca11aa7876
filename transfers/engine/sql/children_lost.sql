-- Conflict-resolving: notes children that are lost with their parent, as declared or because the parent has no winner;
-- or those that are detached from it.
-- reads: transfer_work, the parent table, the child table; writes: transfer_work.
-- index: ctid; the child's foreign key.
INSERT INTO transfer_work (type, relation, "row", pair, outcome)
SELECT {child_type}, r.tableoid, r.ctid, w.pair, {outcome}
FROM {lost_by_pair} AS w
JOIN {parent} AS lost ON lost.tableoid = w.relation AND lost.ctid = w."row"
JOIN {child} AS r ON {of_lost}
WHERE {is_lost}
{lock}
