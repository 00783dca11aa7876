-- Stages the pairs again, with another unique attribute of the users in place of their IDs.
-- reads: transfer_stage, the users; writes: transfer_stage_attribute.
-- index: the primary key of the users.
INSERT INTO transfer_stage_attribute (
    pair, holds, tenant, source, source_bigint, source_numeric, source_uuid, source_bpchar,
    target, target_bigint, target_numeric, target_uuid, target_bpchar
)
SELECT p.pair, {holds}, s.tenant_id,
    s.{attribute}::text, source.as_bigint, source.as_numeric, source.as_uuid, source.as_bpchar,
    t.{attribute}::text, target.as_bigint, target.as_numeric, target.as_uuid, target.as_bpchar
FROM transfer_stage AS p
JOIN {users} AS s ON s.id = p.source
JOIN {users} AS t ON t.id = p.target
CROSS JOIN LATERAL {source_values} AS source
CROSS JOIN LATERAL {target_values} AS target
WHERE s.{attribute}::text <> '' AND t.{attribute}::text <> ''
