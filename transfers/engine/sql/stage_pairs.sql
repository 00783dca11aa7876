-- Stages the pairs of a batch; row-level security leaves out users of other tenants.
-- reads: three arrays of equal length, the users; writes: transfer_stage.
-- index: the primary key of the users.
INSERT INTO transfer_stage (pair, source, target)
SELECT p.pair, s.id, t.id FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS p (pair, source, target)
JOIN {users} AS s ON s.id = p.source
JOIN {users} AS t ON t.id = p.target
