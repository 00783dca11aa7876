-- Conflict-resolving: of the rows that an exclusion constraint keeps apart, those of one user survive.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid; transfer_work_row.
-- Rows of one user cannot conflict with each other, because they are in the table together already.
WITH {candidates},
losing AS (
    SELECT DISTINCT ON (loser._relation, loser._row) loser._relation, loser._row,
        kept._relation AS winner_relation, kept._row AS winner, loser._arrives AS place
    FROM keyed AS loser
    JOIN keyed AS kept ON {excluded}
    WHERE (loser._arrives > 0) = {loser_arrives} AND (kept._arrives > 0) <> {loser_arrives}
    ORDER BY loser._relation, loser._row, {kept_first}
)
UPDATE transfer_work AS w SET
    outcome = CASE w.outcome WHEN 'stays' THEN 'replaced' ELSE 'dropped' END,
    winner_relation = losing.winner_relation,
    winner = losing.winner,
    place = losing.place
FROM losing
WHERE w.type = {type} AND w.relation = losing._relation AND w."row" = losing._row
