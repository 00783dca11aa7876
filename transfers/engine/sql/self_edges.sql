-- Conflict-resolving: drops rows whose two owners would be the same user; such a row has no winner.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- index: ctid.
UPDATE transfer_work AS w SET outcome = 'dropped'
FROM {table} AS r
WHERE w.type = {type} AND r.tableoid = w.relation AND r.ctid = w."row" AND {one_end} = {other_end}
