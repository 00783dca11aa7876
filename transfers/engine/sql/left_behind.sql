-- Control of one type after the move: is a row left that holds a source of the batch in any owner?
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT {type} AS type WHERE EXISTS ({holding_source})
