-- Control total of one type after the move: the rows that hold a target of the batch in any owner, each once.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT {type} AS type, count(*) AS of_targets FROM ({holding_target}) AS h
