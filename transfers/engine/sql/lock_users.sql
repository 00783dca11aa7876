-- Locks the users of the batch in ID order, so inserts of rows that reference them have to wait.
-- reads: transfer_stage; writes: nothing.
-- index: the primary key of the users.
SELECT u.id FROM {users} AS u
WHERE u.id IN (SELECT source FROM transfer_stage UNION ALL SELECT target FROM transfer_stage)
ORDER BY u.id
FOR UPDATE
