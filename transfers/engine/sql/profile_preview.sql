-- Profile, foretold: the pairs in which any value of the target would change.
-- reads: transfer_stage, the users; writes: transfer_tally.
-- Leans on the primary key of the users.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT p.pair, {type}, w.what, 1
FROM transfer_stage AS p
JOIN {table} AS f ON f.id = p.source
JOIN {table} AS r ON r.id = p.target
CROSS JOIN (VALUES ('source'), ('merged')) AS w (what)
WHERE {changes}
