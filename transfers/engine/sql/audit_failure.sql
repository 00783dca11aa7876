-- Writes one audit event for each failed pair, with the reason recorded on the pair.
-- reads: the pairs and their transfer; writes: the audit log.
-- index: the primary keys.
INSERT INTO audit_auditevent (tenant_id, kind, actor_name, transfer_number, pair_id, details)
SELECT transfer.tenant_id, CASE transfer.kind WHEN 'undo' THEN 'pair-not-undone' ELSE 'pair-failed' END, '', transfer.number, pair.id, jsonb_build_object(
    'source_id', pair.source_id, 'source_name', pair.source_name,
    'target_id', pair.target_id, 'target_name', pair.target_name,
    'code', pair.code, 'reason', pair.reason, 'data_type', pair.data_type
)
FROM transfers_transferpair AS pair
JOIN transfers_transfer AS transfer ON transfer.id = pair.transfer_id
WHERE pair.id = ANY(%(pairs)s)
