-- Judged: of the rows that would share a unique key, those that arrive get another name: "Name (2)", the first that is free.
-- Rows whose names would become the same by that, because they are cut to the column's length, take turns.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work. Leans on the ctid.
WITH {contenders},
waiting AS (
    SELECT j._row, row_number() OVER (PARTITION BY {next_keys} ORDER BY c.{column} COLLATE "C", j.place) AS turn
    FROM judged AS j
    JOIN contenders AS c ON c._row = j._row
    CROSS JOIN LATERAL (SELECT left(c.{column}, {length} - 4) || ' (2)' AS name) AS candidate
    CROSS JOIN LATERAL (SELECT {candidate_keys} FROM ({candidate_row}) AS renamed_row) AS k
    WHERE j.place > 0
),
renamed AS (
    SELECT waiting._row, free.name
    FROM waiting
    JOIN contenders AS c ON c._row = waiting._row
    CROSS JOIN LATERAL (
        SELECT candidate.name
        FROM generate_series(2, 2 + (SELECT count(*) FROM contenders)) AS n
        CROSS JOIN LATERAL (
            SELECT left(c.{column}, {length} - length(' (' || n || ')')) || ' (' || n || ')' AS name
        ) AS candidate
        CROSS JOIN LATERAL (SELECT {candidate_keys} FROM ({candidate_row}) AS renamed_row) AS k
        WHERE NOT EXISTS (SELECT FROM keyed WHERE {same_keys})
        ORDER BY n
        OFFSET waiting.turn - 1 LIMIT 1
    ) AS free
)
UPDATE transfer_work AS w SET renamed = renamed.name
FROM renamed
WHERE w.type = {type} AND w."row" = renamed._row
