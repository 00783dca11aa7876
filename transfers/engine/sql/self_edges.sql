-- Conflict-resolving: drops rows that would join a user to themselves; no winner takes their place.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- index: ctid.
UPDATE transfer_work AS w SET outcome = 'dropped'
FROM {table} AS r
WHERE w.type = {type} AND r.ctid = w."row" AND {one_end} = {other_end}
