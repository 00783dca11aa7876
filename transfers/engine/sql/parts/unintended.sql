-- Part: counts the rows that do not have the values that the statement wrote, and those whose update was skipped.
-- reads: done (pair, as_intended), new, written. Rows that were skipped count for no pair, which is pair 0; a trigger
--   may skip an update that changes nothing.
SELECT pair, {type}, 'unintended', count(*) FROM done WHERE NOT as_intended GROUP BY pair
UNION ALL
SELECT 0, {type}, 'unintended', missing.n
FROM (
    SELECT count(*) AS n FROM new
    WHERE (SELECT count(*) FROM new) <> (SELECT count(*) FROM written)  -- seldom, so the rows need not be compared
        AND old_values <> ROW({intended})::text
        AND NOT EXISTS (SELECT FROM written WHERE written.relation = new.relation AND written."row" = new."row")
) AS missing
WHERE missing.n > 0
