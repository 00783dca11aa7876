-- Control total of one type after the move: the rows that still hold a source, and those that hold a target.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT {type} AS type,
    (SELECT count(*) FROM ({holding_source}) AS h) AS of_sources,
    (SELECT count(*) FROM ({holding_target}) AS h) AS of_targets
