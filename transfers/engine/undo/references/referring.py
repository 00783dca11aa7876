"""Leave the records to which a row refers that stays as it is, by a value that the undo would change, as the user."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from psycopg import sql

from transfers.engine.stage import fetch
from transfers.engine.undo.references.keys import as_array, keeps, numbers_of
from transfers.engine.undo.tables import UndoneTable, both, filled

# Only keys that refuse such a change: others carry it along. A table that this role may not read is left to its key, as
# is one to a PERIOD. Constraints of partitions repeat that of the whole table.
REFERRING = """
SELECT coalesce(pg_partition_root(k.confrelid), k.confrelid)::regclass::text,
    k.conrelid::regclass::text, coalesce(pg_partition_root(k.conrelid), k.conrelid)::regclass::text,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place),
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND k.confupdtype IN ('a', 'r') AND k.conparentid = 0
    AND coalesce(pg_partition_root(k.confrelid), k.confrelid)::regclass::text = ANY (%(roots)s)
    AND NOT to_jsonb(k) @> '{"conperiod": true}' AND NOT to_jsonb(k) @> '{"conenforced": false}'
    AND has_schema_privilege(c.relnamespace, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM unnest(k.conkey) AS u (number)
        WHERE NOT has_column_privilege(k.conrelid, u.number, 'SELECT')
    )
"""
REFERRED_TO = """
UPDATE {changes} AS d SET why = 'referred to'
WHERE d.why IS NULL AND {numbers} && d.differs AND EXISTS (
    SELECT FROM {table} AS t JOIN {referring} AS c ON {refers} WHERE {is_record} AND {keeps}
)
"""


class Referring(NamedTuple):
    """A foreign key to a table (`root`, as a whole) from another one, or from itself."""

    root: str
    table: str
    table_root: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


def referring_to(tables: Sequence[UndoneTable]) -> list[Referring]:
    roots = sorted({table.table.root for table in tables if table.columns})
    found = fetch(REFERRING, {"roots": roots}) if roots else []
    return [
        Referring(root, table, table_root, tuple(columns), tuple(referenced))
        for root, table, table_root, columns, referenced in found
    ]


def check_referring(
    table: UndoneTable, keys: Sequence[Referring], tables: Sequence[UndoneTable]
) -> Iterator[sql.Composed]:
    for key in keys:
        numbers = numbers_of(table, key.referenced)
        if numbers and key.root == table.table.root:
            yield filled(
                REFERRED_TO,
                changes=table.name("changes"),
                numbers=as_array(numbers),
                table=table.table.identifier,
                referring=sql.SQL(key.table),
                refers=both(
                    sql.SQL("c.{} = t.{}").format(sql.Identifier(column), sql.Identifier(referenced))
                    for column, referenced in zip(key.columns, key.referenced, strict=True)
                ),
                is_record=table.is_record("t", "d"),
                keeps=keeps(
                    [found for found in tables if found.table.root == key.table_root], key.columns, "c"
                ),
            )
