-- Undo: notes the journal entries of the pairs to take back, without the rows.
-- reads: transfer_undone, the pairs, the journal; writes: transfer_entry.
-- index: journal_by_transfer.
INSERT INTO transfer_entry (
    id, pair, undone, type, "table", what, n, key_columns, columns, assigned, is_shared, has_keys
)
SELECT e.id, u.pair, u.undone, e.data_type, e."table", e.what, e.n, e.key_columns, e.columns, e.assigned,
    cardinality(e.partners) > 0, cardinality(e.keys) > 0
FROM transfers_journalentry AS e
JOIN transfer_undone AS u ON u.undone = e.pair_id
WHERE e.transfer_id = ANY (ARRAY(
    SELECT DISTINCT pair.transfer_id FROM transfers_transferpair AS pair JOIN transfer_undone ON pair.id = undone
))
