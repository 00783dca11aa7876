"""Find the records that no partition of their table takes any more, because it was detached or dropped."""

from psycopg import sql

from transfers.engine.catalog.tables import PARTITIONED
from transfers.engine.compiler.requirements.parts_of_keys import mentions
from transfers.engine.compiler.steps import as_text
from transfers.engine.stage import fetch
from transfers.engine.undo.fitting.records import leave, restored_records
from transfers.engine.undo.tables import UndoneTable

# A default partition that is alone takes every record.
TAKEN = """
SELECT string_agg(coalesce(pg_get_partition_constraintdef(relid), 'true'), ' OR ')
FROM pg_partition_tree(%(table)s::regclass) WHERE isleaf
"""
# Partitions by hash compare the types themselves, so that a column has to be of its domain.
NOT_TAKEN = """
SELECT _place::text, _updated FROM (SELECT _place, _updated{columns} FROM ({restored}) AS restored) AS typed
WHERE ({taken}) IS NOT TRUE
"""


def check_partitions(table: UndoneTable) -> None:
    if table.table.kind != PARTITIONED:
        return
    [(taken,)] = fetch(TAKEN, {"table": table.regclass})
    columns = [name for name in table.table.columns if mentions(taken or "", table.table, name)]
    moves = not set(columns).isdisjoint(table.columns)
    restored = list(restored_records(table, updates=moves))
    if restored:
        statement = sql.SQL(NOT_TAKEN).format(
            restored=sql.SQL(" UNION ALL ").join(restored),
            columns=sql.SQL("").join(
                sql.SQL(", {0}::{1} AS {0}").format(sql.Identifier(name), sql.SQL(table.table.columns[name]))
                for name in columns
            ),
            taken=sql.SQL(taken or "false"),
        )
        leave(table, fetch(as_text(statement)), "no partition")
