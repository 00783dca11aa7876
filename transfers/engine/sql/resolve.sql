-- Conflict-resolving: of the rows that share a unique key after the mapping, one survives and the others lose.
-- reads: transfer_stage, transfer_work, the record table; writes: transfer_work.
-- index: ctid; transfer_work_row.
WITH {candidates},
{resolved}
UPDATE transfer_work AS w SET
    outcome = CASE w.outcome WHEN 'stays' THEN 'replaced' ELSE {outcome} END,
    winner_relation = resolved.winner_relation,
    winner = resolved.winner,
    place = resolved._arrives
FROM resolved
WHERE w.type = {type} AND w.relation = resolved._relation AND w."row" = resolved._row AND resolved.loses
