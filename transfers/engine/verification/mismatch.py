"""The error of the verification, and the triggers that may have caused it."""

from transfers.engine.catalog.names import quoted
from transfers.engine.catalog.triggers import FIRES
from transfers.engine.compiler.plans import tables_of
from transfers.engine.stage import fetch
from transfers.registry import by_key
from wording.display_text import safe

INSERT, DELETE, UPDATE = 4, 8, 16  # as in pg_trigger.tgtype

# Those of the table, and those of others whose function names the table.
SUSPECTS = rf"""
SELECT DISTINCT format('the trigger %%I on %%s', g.tgname, g.tgrelid::regclass)
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE NOT g.tgisinternal AND {FIRES} AND (
    g.tgrelid = ANY (%(tables)s::regclass[]::oid[]) AND g.tgtype & %(events)s <> 0
    OR EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.oid = ANY (%(tables)s::regclass[]::oid[])
            AND p.prosrc ~* ('\m' || regexp_replace(c.relname, '\W', '.', 'g') || '\M')
    )
)
ORDER BY 1
"""  # noqa: S608  # nosec B608  (a constant is inserted)


class TotalsMismatch(Exception):
    """The control totals do not match; the batch must not be committed.

    `data_type` is the key of the data type, or "" if the table is not one of a data type. The message is safe to
    display, whatever the names of tables and triggers in it.
    """

    def __init__(self, data_type: str, message: str) -> None:
        self.data_type = data_type
        super().__init__(safe(message))


def mismatch(data_type: str, message: str, events: int, *tables: str) -> TotalsMismatch:
    """Return the error, with the triggers that may have caused it.

    events: any of `INSERT`, `UPDATE` and `DELETE`, of which the table's own triggers may be to blame; 0 if they cannot.
    tables: if not those of the data type.
    """
    of = tables or [quoted(name) for name in tables_of(by_key(data_type))]
    suspects = [name for (name,) in fetch(SUSPECTS, {"tables": list(of), "events": events})]
    cause = f" A possible cause is {' or '.join(suspects)}." if suspects else ""
    return TotalsMismatch(data_type, message + cause)
