-- Conflict-resolving: maps all owners of each surviving row in one UPDATE.
-- reads: transfer_stage, transfer_work; writes: the record table.
-- index: ctid.
UPDATE {table} AS r SET {assignments}
FROM (SELECT "row", renamed FROM transfer_work WHERE type = {type} AND outcome = 'moved') AS w
WHERE r.ctid = w."row"
