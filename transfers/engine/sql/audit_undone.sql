-- Writes one audit event for each undone pair of the batch, with its counts and the first 100 records that were left.
-- reads: transfer_stage, the pairs, the conflicts; writes: the audit log.
-- index: the primary key of the pairs, the pair of the conflicts.
INSERT INTO audit_auditevent (tenant_id, kind, actor_name, transfer_number, pair_id, details)
SELECT %(tenant)s, 'pair-undone', '', %(transfer)s, pair.id, jsonb_build_object(
    'source_id', pair.source_id, 'source_name', pair.source_name,
    'target_id', pair.target_id, 'target_name', pair.target_name,
    'undoes', (
        SELECT jsonb_agg(jsonb_build_object('transfer', transfer.number, 'row', undone.row_number) ORDER BY undone.id DESC)
        FROM transfers_transferpair AS undone JOIN transfers_transfer AS transfer ON transfer.id = undone.transfer_id
        WHERE undone.id = ANY (pair.undoes)
    ),
    'counts', pair.counts,
    'left', coalesce((
        SELECT sum((numbers.value ->> 'left')::bigint) FROM jsonb_each(pair.counts) AS numbers
    ), 0),
    'left_records', coalesce((
        SELECT jsonb_agg(concat_ws(' ', c."table", c.key, c.why) ORDER BY c.id)
        FROM (
            SELECT * FROM transfers_undoconflict WHERE pair_id = pair.id ORDER BY id LIMIT 100
        ) AS c
    ), '[]')
)
FROM transfer_stage AS p
JOIN transfers_transferpair AS pair ON pair.id = p.pair
ORDER BY pair.row_number
