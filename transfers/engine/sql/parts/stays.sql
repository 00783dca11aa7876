-- Part: the condition that the row `r` is noted as deleted under none of the types of its table.
-- reads: transfer_work.
-- index: transfer_work_row.
NOT EXISTS (
    SELECT FROM transfer_work AS gone
    WHERE gone.type IN ({types}) AND gone.relation = r.tableoid AND gone."row" = r.ctid
        AND gone.outcome IN ('dropped', 'merged', 'replaced')
)
