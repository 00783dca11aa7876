"""People in JSON documents: the paths that lead to an ID or to a list of IDs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from psycopg import sql

from adopting.people.standing import Stand

# Every place of a document down to the fourth level, with its values. "*" stands for the places of a list of objects.
PATHS = """
WITH RECURSIVE s AS MATERIALIZED {sample},
walk (path, v) AS (
    SELECT ARRAY[]::text[], {column} FROM s WHERE {column} IS NOT NULL
    UNION ALL
    SELECT walk.path || e.key, e.value FROM walk, LATERAL (
        SELECT key, value FROM jsonb_each(CASE jsonb_typeof(walk.v) WHEN 'object' THEN walk.v ELSE '{{}}' END)
        UNION ALL
        SELECT CASE WHEN jsonb_typeof(value) IN ('object', 'array') THEN '*' ELSE '' END, value
        FROM jsonb_array_elements(CASE jsonb_typeof(walk.v) WHEN 'array' THEN walk.v ELSE '[]' END)
    ) AS e
    WHERE cardinality(walk.path) < 5
),
leaf AS (
    SELECT DISTINCT array_remove(path, '') AS path, jsonb_typeof(v) AS kind, v #>> '{{}}' AS value
    FROM walk WHERE jsonb_typeof(v) IN ('number', 'string') AND length(v #>> '{{}}') < 200
)
SELECT path, kind, count(*),
    count(*) FILTER (WHERE EXISTS (SELECT FROM adopting_people AS p WHERE p.id = leaf.value))
FROM leaf GROUP BY path, kind
HAVING bool_or(EXISTS (SELECT FROM adopting_people AS p WHERE p.id = leaf.value))
ORDER BY path, kind
"""


def measure(cursor: Any, stand: Stand, sample: sql.Composed) -> Iterator[Stand]:
    """Yield the places of a document whose values are IDs of people, with the share that is."""
    query = sql.SQL(PATHS).format(sample=sample, column=sql.Identifier(stand.column))
    cursor.execute(query.as_string(None))
    for path, kind, seen, ids in cursor.fetchall():
        form = "list" if "*" in path else "json"
        steps = tuple(step for step in path if step != "*")
        yield replace(stand, form=form, path=steps, as_text=kind == "string", share=ids / seen, seen=seen)
