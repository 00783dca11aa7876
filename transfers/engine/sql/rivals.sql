    SELECT r.ctid AS _row, {columns}
    FROM {table} AS r
    WHERE r.{owner} IN (SELECT target FROM transfer_stage)
        AND r.ctid NOT IN (SELECT w."row" FROM transfer_work AS w WHERE w.type = {type})
    {lock}
