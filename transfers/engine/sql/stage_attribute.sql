-- Stages the pairs again, with another unique attribute of the users in place of their IDs.
-- reads: transfer_stage, the users; writes: transfer_stage_attribute.
-- index: the primary key of the users.
INSERT INTO transfer_stage_attribute (pair, holds, source, target, tenant)
SELECT p.pair, {holds}, s.{attribute}::text, t.{attribute}::text, s.tenant_id
FROM transfer_stage AS p
JOIN {users} AS s ON s.id = p.source
JOIN {users} AS t ON t.id = p.target
WHERE s.{attribute}::text <> '' AND t.{attribute}::text <> ''
