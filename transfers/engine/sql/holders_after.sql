-- Control total after the move: the rows that hold a target of the batch in any owner, each once.
-- reads: transfer_stage, the record table; writes: nothing.
-- index: the owner columns.
SELECT {type} AS type, count(*) AS n FROM ({rows}) AS r
