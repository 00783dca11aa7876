-- Overwrite: deletes the target's rows if the source has rows to replace them.
-- reads: transfer_stage; writes: the record table, the journal, transfer_changes, transfer_tally.
-- index: the owner column.
WITH deleted AS (
    DELETE FROM {table} AS r
    USING {stage} AS p
    WHERE {holds_target} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING r.tableoid AS relation, p.pair, ROW(r.*)::text AS before
),
done AS (
    SELECT pair, before, NULL::text AS partners FROM deleted
),
{counted},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, what, n FROM entries
