-- Conflict-resolving: renames arriving rows that would conflict on a unique key to the first free "Name (n)".
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid; transfer_work_row.
WITH RECURSIVE {candidates},
{resolved},
conflicting AS (
    SELECT resolved._relation, resolved._row, {carried},
        row_number() OVER (ORDER BY c.{column} COLLATE "C", resolved.place) AS turn
    FROM resolved
    JOIN candidates AS c ON c._relation = resolved._relation AND c._row = resolved._row
    WHERE resolved.loses
),
-- Each round tries the next number for the rows that have no name yet. Of rows whose new names are equal, as they may be
-- when they are cut to the column's length, the first in turn takes the name if it is free. A name of which thousands of
-- numbers are taken needs thousands of rounds.
-- If the key ignores the number, as left(name, 1) does, or the column is too short for it, there is no free name: the
-- rounds end, and the row gets the empty name, by which the preview counts it. When it is moved, it keeps its name and the
-- key refuses it. Of names that differ, no more can be taken than rows have.
tried (_relation, _row, {carried_names}, n, turn, name, is_taken, key, is_stuck) AS (
    SELECT _relation, _row, {carried_names}, 1, turn, ''::text COLLATE "C", false, ''::text, false FROM conflicting
    UNION ALL
    SELECT _relation, _row, {carried_names}, n, turn, name COLLATE "C",
        -- Hashed once, for all rounds.
        length(name) <= {length} AND (({next_keys}) IN (SELECT {key_names} FROM keyed)) IS NOT TRUE
            AND row_number() OVER (PARTITION BY {next_keys} ORDER BY turn) = 1,
        ROW({next_keys})::text, ROW({next_keys})::text = key
    FROM (
        SELECT _relation, _row, {carried_names}, n + 1 AS n, turn, key,
            left({renamed}, greatest({length} - length(' (' || n + 1 || ')'), 0)) || ' (' || n + 1 || ')' AS name
        FROM tried
        WHERE NOT is_taken AND NOT is_stuck
            AND n <= (SELECT count(*) FROM keyed) + (SELECT count(*) FROM conflicting)
    ) AS candidate
    CROSS JOIN LATERAL (SELECT {candidate_keys} FROM ({candidate_row}) AS renamed_row) AS k
),
-- If the key uses a part of the number only, as right(name, 2) does, a name of an earlier round may have the same.
named AS (
    SELECT DISTINCT ON (key) _relation, _row, name FROM tried WHERE is_taken ORDER BY key, n
)
-- Grouped, because the planner takes the lists for short ones and would join them row by row.
UPDATE transfer_work AS w SET renamed = coalesce(c.name, '')
FROM (
    SELECT _relation, _row, max(name) AS name
    FROM (
        SELECT _relation, _row, NULL::text COLLATE "C" AS name FROM conflicting
        UNION ALL
        SELECT _relation, _row, name FROM named
    ) AS with_and_without
    GROUP BY _relation, _row
) AS c
WHERE w.type = {type} AND w.relation = c._relation AND w."row" = c._row
