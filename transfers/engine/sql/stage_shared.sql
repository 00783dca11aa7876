-- Marks the staged external IDs that users of other tenants have too: a table without the tenant cannot tell them apart.
-- reads: the users of all tenants; writes: transfer_stage_attribute.
-- index: user_external_id_unique_in_tenant.
UPDATE transfer_stage_attribute AS p SET is_shared = true
FROM {users} AS u
WHERE p.holds = 'external_id' AND u.external_id IN (p.source, p.target) AND u.external_id <> ''
    AND u.tenant_id <> p.tenant
