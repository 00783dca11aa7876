-- Part: counts the rows that do not have the values that the statement wrote.
-- reads: done (pair, as_intended).
SELECT pair, {type}, 'unintended', count(*) FROM done WHERE NOT as_intended GROUP BY pair
