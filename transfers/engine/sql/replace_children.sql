-- Overwrite: deletes the children of the target's rows if the source has rows to replace them.
-- reads: transfer_stage, the record table; writes: the child table, the journal, transfer_changes, transfer_tally.
-- index: the owner column; the child's foreign key.
WITH deleted AS (
    DELETE FROM {child} AS c
    USING {parents} {stage} AS p, {table} AS r
    WHERE {holds_target} AND {child_of_parent} AND EXISTS (SELECT FROM {table} AS s WHERE {other_holds_source})
    RETURNING c.tableoid AS relation, p.pair, ROW(c.*)::text AS before
),
done AS (
    SELECT pair, before, NULL::text AS partners FROM deleted
),
{counted},
{entries}
INSERT INTO transfer_tally (pair, type, what, n)
SELECT pair_id, {type}, counted_as, n FROM entries CROSS JOIN unnest(ARRAY[what, 'replaced_children']) AS counted_as
