-- Conflict-resolving: counts, per pair, the children lost with their parents or detached from them; those of replaced
--   records also apart.
-- reads: transfer_work; writes: transfer_tally.
-- index: none.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT found.pair, {type}, counted.what, counted.n
FROM (
    SELECT w.pair, count(*) AS n, count(*) FILTER (WHERE w.outcome = 'replaced') AS of_replaced
    FROM transfer_work AS w
    WHERE w.type = {child_type}
    GROUP BY w.pair
) AS found
CROSS JOIN LATERAL (VALUES ({what}, n), ('replaced_children', of_replaced)) AS counted (what, n)
WHERE counted.n > 0
