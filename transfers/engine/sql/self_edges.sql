-- Judged: a row that would join a user to themselves is dropped, and no other takes its place.
-- reads: transfer_stage, the record table; writes: transfer_work.
-- Leans on the ctid.
UPDATE transfer_work AS w SET fate = 'dropped'
FROM {table} AS r
WHERE w.type = {type} AND r.ctid = w."row" AND {one_end} = {other_end}
