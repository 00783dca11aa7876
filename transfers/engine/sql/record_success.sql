-- Marks the pairs of the batch as succeeded, with their counts, in the transaction that moved their rows.
-- reads: transfer_stage, transfer_tally; writes: the pairs.
-- index: the primary key of the pairs.
-- The JSON is built as text: nested jsonb_object_agg took most of this statement's time.
UPDATE transfers_transferpair AS pair SET
    state = 'succeeded',
    finished_at = statement_timestamp(),
    counts = coalesce(c.counts, '{}')
FROM transfer_stage AS p
LEFT JOIN (
    SELECT t.pair, ('{' || string_agg(to_json(t.type)::text || ':{' || t.numbers || '}', ',') || '}')::jsonb AS counts
    FROM (
        SELECT s.pair, s.type, concat_ws(
            ',',
            '"source":' || sum(s.n) FILTER (WHERE s.what = 'source'),
            '"target":' || sum(s.n) FILTER (WHERE s.what = 'target'),
            '"moved":' || sum(s.n) FILTER (WHERE s.what = 'moved'),
            '"dropped":' || sum(s.n) FILTER (WHERE s.what = 'dropped'),
            '"merged":' || sum(s.n) FILTER (WHERE s.what = 'merged'),
            '"replaced":' || sum(s.n) FILTER (WHERE s.what = 'replaced'),
            '"children":' || sum(s.n) FILTER (WHERE s.what = 'children'),
            '"replaced_children":' || sum(s.n) FILTER (WHERE s.what = 'replaced_children'),
            '"detached":' || sum(s.n) FILTER (WHERE s.what = 'detached'),
            '"same_user":' || sum(s.n) FILTER (WHERE s.what = 'same_user'),
            '"returned":' || sum(s.n) FILTER (WHERE s.what = 'returned'),
            '"restored":' || sum(s.n) FILTER (WHERE s.what = 'restored'),
            '"reverted":' || sum(s.n) FILTER (WHERE s.what = 'reverted'),
            '"left":' || sum(s.n) FILTER (WHERE s.what = 'left'),
            '"added":' || sum(s.n) FILTER (WHERE s.what = 'added'),
            '"stays":' || sum(s.n) FILTER (WHERE s.what = 'stays')
        ) AS numbers
        FROM transfer_tally AS s
        GROUP BY s.pair, s.type
    ) AS t
    GROUP BY t.pair
) AS c ON c.pair = p.pair
WHERE pair.id = p.pair
