-- Undo: notes the journal entries of the pairs to take back, without the rows. Those by which other pairs of their
-- transfers changed lists of users are noted too, with 0 as the pair: a list may hold users of several pairs.
-- reads: transfer_undone, the pairs, the journal; writes: transfer_entry.
-- index: journal_by_transfer.
INSERT INTO transfer_entry (
    id, pair, undone, type, "table", what, n, key_columns, columns, assigned, summed, is_shared, has_keys
)
SELECT e.id, coalesce(u.pair, 0), e.pair_id, e.data_type, e."table", e.what, e.n, e.key_columns, e.columns, e.assigned,
    e.summed, cardinality(e.partners) > 0, cardinality(e.keys) > 0
FROM transfers_journalentry AS e
LEFT JOIN transfer_undone AS u ON u.undone = e.pair_id
WHERE e.transfer_id = ANY (ARRAY(
    SELECT DISTINCT pair.transfer_id FROM transfers_transferpair AS pair JOIN transfer_undone ON pair.id = undone
))
    AND (u.undone IS NOT NULL OR e.what = 'changed' AND e."table" = ANY (ARRAY(
        SELECT to_regclass(quoted)::text FROM unnest(%(lists)s::text[]) AS t (quoted)
    )))
