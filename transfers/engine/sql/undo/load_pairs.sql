-- Undo: notes the pairs to take back, with the users that they had.
-- reads: two arrays of equal length (the pair of the undo, a pair that it takes back), the pairs; writes:
--   transfer_undone.
-- index: the primary key of the pairs.
INSERT INTO transfer_undone (undone, pair, source, target)
SELECT pair.id, u.pair, pair.source_id, pair.target_id
FROM unnest(%(pairs)s::bigint[], %(undone)s::bigint[]) AS u (pair, undone)
JOIN transfers_transferpair AS pair ON pair.id = u.undone
