-- Part: writes the new values (its CTE `new`) to their rows, and returns how each row was and is.
-- reads: new (relation, row, before, and each new value); writes: the record table.
-- index: ctid.
-- A trigger may have written something else: `as_intended` tells.
written AS (
    UPDATE {table} AS t SET {assignments}
    FROM new
    WHERE t.tableoid = new.relation AND t.ctid = new."row"
    RETURNING new.*, t.tableoid AS new_relation, t.ctid AS new_row, {key} AS key, {after} AS after,
        ROW({assigned})::text = ROW({intended})::text AS as_intended
)
