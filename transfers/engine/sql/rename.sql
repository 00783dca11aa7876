-- Judged: of the rows that would share a unique key, those that arrive get another name: "Name (2)", the first that is free.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- Leans on the ctid.
WITH {contenders},
renamed AS (
    SELECT j._row, free.name
    FROM judged AS j
    JOIN contenders AS c ON c._row = j._row
    CROSS JOIN LATERAL (
        SELECT candidate.name
        FROM generate_series(2, 2 + (SELECT count(*) FROM contenders)) AS n
        CROSS JOIN LATERAL (SELECT left(c.{column}, {length} - length(' (' || n || ')')) || ' (' || n || ')' AS name) AS candidate
        CROSS JOIN LATERAL (SELECT {candidate_keys} FROM (SELECT {candidate_columns}) AS renamed_row) AS k
        WHERE NOT EXISTS (SELECT FROM keyed WHERE {same_keys})
        ORDER BY n
        OFFSET j.place - 1 LIMIT 1
    ) AS free
    WHERE j.place > 0
)
UPDATE transfer_work AS w SET renamed = renamed.name
FROM renamed
WHERE w.type = {type} AND w."row" = renamed._row
