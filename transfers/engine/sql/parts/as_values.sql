-- Part: a text as the values that columns of other types store; NULL if the type would print it in another way.
-- reads: {text}.
(
    SELECT
        CASE WHEN {text} ~ '^-?[0-9]{{1,19}}$' THEN
            CASE WHEN ({text})::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
                AND ({text})::numeric::text = {text}
            THEN ({text})::bigint END
        END AS as_bigint,
        CASE WHEN {text} ~ '^-?[0-9]{{1,200}}([.][0-9]{{1,200}})?$' THEN
            CASE WHEN trim_scale(({text})::numeric)::text = {text} THEN ({text})::numeric END
        END AS as_numeric,
        CASE WHEN {text} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN ({text})::uuid END AS as_uuid,
        CASE WHEN {text} = rtrim({text}) THEN ({text})::bpchar END AS as_bpchar
)
