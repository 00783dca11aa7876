-- Writes one audit event for each pair of the batch, with its counts.
-- reads: transfer_stage, the pairs; writes: the audit log.
-- index: the primary key of the pairs.
INSERT INTO audit_auditevent (tenant_id, kind, actor_name, transfer_number, pair_id, details)
SELECT %(tenant)s, 'pair-succeeded', '', %(transfer)s, pair.id, jsonb_build_object(
    'source_id', pair.source_id, 'source_name', pair.source_name,
    'target_id', pair.target_id, 'target_name', pair.target_name,
    'counts', pair.counts
)
FROM transfer_stage AS p
JOIN transfers_transferpair AS pair ON pair.id = p.pair
ORDER BY pair.row_number
