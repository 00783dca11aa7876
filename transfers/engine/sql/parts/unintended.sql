-- Part: counts the rows that do not have the values that the statement wrote, and those whose update was skipped.
-- reads: done (pair, as_intended), new, written. Rows that were skipped count for no pair, which is pair 0.
SELECT pair, {type}, 'unintended', count(*) FROM done WHERE NOT as_intended GROUP BY pair
UNION ALL
SELECT 0, {type}, 'unintended', missing.n
FROM (SELECT (SELECT count(*) FROM new) - (SELECT count(*) FROM written) AS n) AS missing
WHERE missing.n <> 0
