-- Part: counts apart the deleted children of replaced records, which were the target's. Those of dropped and merged
--   records were the source's.
-- reads: deleted (pairs, outcomes).
-- index: none.
UNION ALL
SELECT noted.pair, {type}, 'replaced_children', count(*)
FROM deleted CROSS JOIN unnest(deleted.pairs, deleted.outcomes) AS noted (pair, outcome)
WHERE noted.outcome = 'replaced'
GROUP BY noted.pair
