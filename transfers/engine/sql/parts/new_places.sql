-- Part: replaces the ctids of the updated rows (the CTE `written`) in the work table, as rows and as winners.
-- reads: written (relation, row, new_relation, new_row); writes: transfer_work.
-- index: that of the condition which follows.
UPDATE transfer_work AS w SET
    relation = CASE WHEN (w.relation, w."row") = (f.relation, f."row") THEN f.new_relation ELSE w.relation END,
    "row" = CASE WHEN (w.relation, w."row") = (f.relation, f."row") THEN f.new_row ELSE w."row" END,
    winner_relation = CASE
        WHEN (w.winner_relation, w.winner) = (f.relation, f."row") THEN f.new_relation ELSE w.winner_relation
    END,
    winner = CASE WHEN (w.winner_relation, w.winner) = (f.relation, f."row") THEN f.new_row ELSE w.winner END
FROM written AS f
