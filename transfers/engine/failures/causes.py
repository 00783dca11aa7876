"""What PostgreSQL reports about a change that it refused: table, column, constraint, trigger, setting and message.

Decisions depend on error codes and on names of PostgreSQL's own source code, which do not depend on the language of its
messages. Details of errors and statements are not used, because they contain values of records.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import psycopg
from django.db import connection, transaction

from tenancy.postgresql.transient_errors import database_error
from transfers.models import TransferPair
from wording.display_text import isolated, safe, visible

LONGEST_MESSAGE = 300
BOTH = "a user of this pair"  # replaces a name that both users have
# Matches the function in a line of context: PL/pgSQL function soft_delete() line 3 at RAISE
IN_FUNCTION = re.compile(
    r"""^PL/pgSQL[^"(\n]*[ ](?P<function>(?:"[^"\n]+"|[\w$]+)(?:\.(?:"[^"\n]+"|[\w$]+))?\([^"\n]*?\))""",
    re.MULTILINE,
)
QUOTED = re.compile(r'["»«„“]([^"»«„“”]+)["»«“”]')
# Data exceptions (class 22) quote the value of a record at their end: invalid input syntax for type integer: "…"
QUOTED_VALUE = re.compile(r'\W*["»«„“].*', re.DOTALL)


@dataclass(frozen=True)
class Cause:
    """Why PostgreSQL refused a change, in text that is safe to display; what it did not report is "".

    `message` is on one line, without names of the pair's users. `origin` is the C function that raised the error, and
    `named` are the names that the message quotes.
    """

    state: str
    origin: str
    message: str
    named: tuple[str, ...] = ()
    table: str = ""
    column: str = ""
    constraint: str = ""
    function: str = ""
    trigger: str = ""

    @property
    def is_raised_by_function(self) -> bool:
        """Whether a function raised the error with RAISE, whatever its code."""
        return self.origin == "exec_stmt_raise"


def read_cause(error: psycopg.Error, pair: TransferPair | None = None, own_table: str = "") -> Cause:
    """Return the cause of an error. Looks its trigger up, so call this after the transaction was rolled back.

    own_table: the table of the data type, used if PostgreSQL names none.
    """
    diag = error.diag
    cause = Cause(
        state=error.sqlstate or "unknown",
        origin=diag.source_function or "",
        message=readable(message_without_values(error), pair),
        named=tuple(QUOTED.findall(diag.message_primary or "")),
        table=qualified(diag.schema_name, diag.table_name),
        column=diag.column_name or "",
        constraint=diag.constraint_name or "",
    )
    cause = with_trigger(cause, functions_of(error), own_table)
    return displayed(cause if cause.table else replace(cause, table=own_table))


def displayed(cause: Cause) -> Cause:
    """Return the cause with names that can be shown: whoever owns a table may call it or its trigger anything."""
    names = ("table", "column", "constraint", "function", "trigger")
    shown = {name: safe(getattr(cause, name)) for name in names}
    return replace(cause, named=tuple(map(safe, cause.named)), **shown)


def summary(error: BaseException) -> str:
    """Return an error for the log, without the details and the statement that PostgreSQL adds to its message."""
    cause = database_error(error)
    if cause is None or not cause.sqlstate:
        return repr(error)
    step = f"{error}: " if error.__cause__ is not cause else ""
    return f"{step}{type(cause).__name__} {cause.sqlstate}: {message_without_values(cause)}"


def is_in_function(error: psycopg.Error) -> bool:
    """Return whether the error arose in a trigger or another function that our statement called."""
    return bool(error.diag.context)


def functions_of(error: psycopg.Error) -> list[str]:
    """Return the PL/pgSQL functions in which the error arose, innermost first, with their arguments."""
    return [found["function"] for found in IN_FUNCTION.finditer(error.diag.context or "")]


def qualified(schema: str | None, table: str | None) -> str:
    return f"{schema}.{table}" if table and schema not in (None, "", "public") else table or ""


# --- Triggers --------------------------------------------------------------------------------------------------------

# A partition's copies of a trigger are left out.
TRIGGERS = """
SELECT called.function, found.tgrelid::regclass::text, found.tgname
FROM unnest(%s::text[]) WITH ORDINALITY AS called (function, depth)
JOIN pg_trigger AS found ON found.tgfoid = to_regprocedure(called.function)
WHERE NOT found.tgisinternal AND found.tgparentid = 0
ORDER BY called.depth, found.tgname
"""


def with_trigger(cause: Cause, functions: list[str], own_table: str) -> Cause:
    """Add the trigger function, and its trigger and table if no other table uses the same function."""
    if not functions:
        return cause
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TRIGGERS, [functions])
        rows = cursor.fetchall()
    function = rows[0][0] if rows else functions[0]
    found = [(table, trigger) for called, table, trigger in rows if called == function]
    near = [place for place in found if place[0] in (cause.table, own_table)] or found
    tables = {table for table, _ in near}
    return replace(
        cause,
        function=function,
        trigger=near[0][1] if len(near) == 1 else "",
        table=cause.table or (tables.pop() if len(tables) == 1 else ""),
    )


# --- Messages --------------------------------------------------------------------------------------------------------


def message_without_values(error: psycopg.Error) -> str:
    message = error.diag.message_primary or ""
    is_own_text = error.diag.source_function == "exec_stmt_raise"
    return (
        QUOTED_VALUE.sub("", message) if isinstance(error, psycopg.DataError) and not is_own_text else message
    )


def readable(message: str, pair: TransferPair | None) -> str:
    """Return the message on one line, shortened, with the names of the pair's users replaced by their IDs."""
    text = visible(without_names(message, pair) if pair else message).strip().rstrip(".")
    return isolated(text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…")


def without_names(message: str, pair: TransferPair) -> str:
    """Replace names, user names and emails of the pair's users: "Ana Díaz is locked" -> "user 18 is locked"."""
    ids: dict[str, str] = {}
    for text, user_id in names_of(pair):
        known, own = ids.get(text.casefold()), f"user {user_id}"
        ids[text.casefold()] = own if known in (None, own) else BOTH
    longest_first = "|".join(re.escape(text) for text in sorted(ids, key=len, reverse=True))
    names = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE)
    return names.sub(lambda found: ids.get(found[0].casefold(), BOTH), message)


def names_of(pair: TransferPair) -> Iterator[tuple[str, int]]:
    for user, name in ((pair.source, pair.source_name), (pair.target, pair.target_name)):
        first, last = user.first_name.strip(), user.last_name.strip()
        texts: Iterable[str] = (
            *(name.strip(), f"{first} {last}", f"{last} {first}", f"{last}, {first}", first, last),
            *(user.username, user.email),
        )
        yield from ((text, user.pk) for text in texts if re.search(r"\w", text))
