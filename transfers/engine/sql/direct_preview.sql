-- Direct types, preview: every source row moves; with Overwrite the target's rows are replaced if the source has any.
-- reads: transfer_tally ('source' and 'target', counted before), two arrays of types; writes: transfer_tally.
-- index: none.
INSERT INTO transfer_tally (pair, type, what, n)
SELECT counts.pair, counts.type, outcome.what, outcome.n
FROM (
    SELECT t.pair, t.type,
        sum(t.n) FILTER (WHERE t.what = 'source') AS source_rows,
        sum(t.n) FILTER (WHERE t.what = 'target') AS target_rows
    FROM transfer_tally AS t
    WHERE t.type = ANY (%(direct)s)
    GROUP BY t.pair, t.type
) AS counts
CROSS JOIN LATERAL (
    VALUES
        ('moved', counts.source_rows),
        (
            'replaced',
            CASE WHEN counts.type = ANY (%(overwritten)s) AND counts.source_rows > 0 THEN counts.target_rows END
        )
) AS outcome (what, n)
WHERE outcome.n > 0
