-- Profile, foretold: the pairs in which any value of the target would change.
-- reads: transfer_stage, the record table; writes: transfer_tally.
-- Leans on the unique index that the owner leads.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, w.what, 1
FROM {stage} AS p
JOIN {table} AS f ON {source_row}
JOIN {table} AS r ON {holds_target}
CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
WHERE {changes}
