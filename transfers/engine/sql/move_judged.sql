-- Judged: maps all owners of the surviving rows, in one UPDATE a row.
-- reads: transfer_stage, transfer_work; writes: the record table.
-- Leans on the ctid.
UPDATE {table} AS r SET {assignments}
FROM (SELECT "row", renamed FROM transfer_work WHERE type = {type} AND fate = 'moved') AS w
WHERE r.ctid = w."row"
