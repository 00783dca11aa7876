-- Part of resolve and rename: the rows, ranked among those with the same unique key.
-- reads: keyed.
-- index: none.
-- Rows that do not arrive are in the table together already. If they have the same key nevertheless, because a function
-- in it has changed since, none of them loses to another.
resolved AS (
    SELECT _relation, _row, _arrives,
        first_value(_relation) OVER same_key AS winner_relation,
        first_value(_row) OVER same_key AS winner,
        row_number() OVER same_key - 1 AS place,
        row_number() OVER same_key > 1 AND _arrives + first_value(_arrives) OVER same_key > 0 AS loses
    FROM keyed
    WHERE {keys_can_conflict}
    WINDOW same_key AS (PARTITION BY {key_names} ORDER BY {winner_first})
)
