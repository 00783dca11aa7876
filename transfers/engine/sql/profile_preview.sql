-- Profile, preview: counts the pairs in which a value of the target's row would change.
-- reads: transfer_stage, the record table; writes: transfer_tally.
-- index: the unique index on the owner column.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, w.what, 1
FROM {stage} AS p
JOIN {table} AS f ON {source_row}
JOIN {table} AS r ON {holds_target}
CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
WHERE {changes}
