-- Control total of one type: the rows that hold a source of the batch in any owner, and those that hold anybody of it.
-- reads: transfer_stage, the record table; writes nothing.
-- Leans on the indexes that the owners lead.
SELECT {type} AS type,
    (SELECT count(*) FROM ({holding_sources}) AS h) AS of_sources,
    (SELECT count(*) FROM ({holding_people}) AS h) AS of_people
