-- Conflict-resolving: renames arriving rows that would conflict on a unique key to the first free "Name (n)".
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid.
-- Rows whose new names become equal when cut to the column's length are numbered, and take the free names in turn.
WITH {candidates},
conflicting AS (
    SELECT resolved._row,
        row_number() OVER (PARTITION BY {next_keys} ORDER BY c.{column} COLLATE "C", resolved.place) AS turn
    FROM resolved
    JOIN candidates AS c ON c._row = resolved._row
    CROSS JOIN LATERAL (SELECT left(c.{column}, {length} - 4) || ' (2)' AS name) AS candidate
    CROSS JOIN LATERAL (SELECT {candidate_keys} FROM ({candidate_row}) AS renamed_row) AS k
    WHERE resolved.place > 0
),
renamed AS (
    SELECT conflicting._row, free.name
    FROM conflicting
    JOIN candidates AS c ON c._row = conflicting._row
    CROSS JOIN LATERAL (
        SELECT candidate.name
        FROM generate_series(2, 2 + (SELECT count(*) FROM candidates)) AS n
        CROSS JOIN LATERAL (
            SELECT left(c.{column}, {length} - length(' (' || n || ')')) || ' (' || n || ')' AS name
        ) AS candidate
        CROSS JOIN LATERAL (SELECT {candidate_keys} FROM ({candidate_row}) AS renamed_row) AS k
        WHERE NOT EXISTS (SELECT FROM keyed WHERE {same_keys})
        ORDER BY n
        OFFSET conflicting.turn - 1 LIMIT 1
    ) AS free
)
UPDATE transfer_work AS w SET renamed = renamed.name
FROM renamed
WHERE w.type = {type} AND w."row" = renamed._row
