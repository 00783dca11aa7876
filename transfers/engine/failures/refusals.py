"""Words a change that PostgreSQL refused: the reason, and who can do what about it."""

import re

from django.conf import settings

from transfers.engine.failures.causes import Cause

CORRECT = (
    "Give table and constraint to your system administrator. When the records are corrected, retry this pair."
)
CORRECT_VALUE = "Give this table to your system administrator. When the value is corrected, retry this pair."
ASK_ADMINISTRATOR = (
    "Give the transfer's number and this message to your system administrator; the server's log has"
    " the details."
)

# Error code -> why the database refused the change, and the remedy.
REFUSALS = {
    "23505": ("the Target User already has a record that must be unique", CORRECT),
    "23514": ("a record would break a rule of its table", CORRECT),
    "23502": ("a record would lose a required value", CORRECT),
    "23P01": ("two records would overlap", CORRECT),
    "22P05": (
        "a text or JSON value has a character that PostgreSQL cannot convert, such as \\u0000",
        CORRECT_VALUE,
    ),
    "22003": (
        "a number would be too large for its column",
        "Ask your system administrator to give the column a larger type, such as bigint or numeric. Then retry this"
        " pair.",
    ),
    "22001": (
        "a text would be too long for its column",
        "Ask your system administrator to make the column longer. Then retry this pair.",
    ),
    "25006": (
        "the database is read-only at the moment",
        "Retry this pair when the database accepts changes again.",
    ),
}


def in_words(cause: Cause, columns: str = "") -> tuple[str, str]:
    """Return the reason, without the data type, and the remedy.

    columns: the columns that the data type writes, for errors in which PostgreSQL does not name the column.
    """
    because, remedy = because_and_remedy(cause)
    place = f" ({', '.join(places(cause, columns))})"
    return f"the database refused the change{because}{place}.", remedy


def because_and_remedy(cause: Cause) -> tuple[str, str]:
    said = f": “{cause.message}”" if cause.message else ""
    if cause.is_raised_by_function:
        return said, ask_owner(cause)
    if cause.state in ("23503", "23001"):
        return reference(cause)
    if cause.state == "42704" and cause.origin == "find_option" and cause.named:
        return undefined_setting(cause)
    if cause.state == "55000" and cause.origin == "CheckCmdReplicaIdentity":
        return no_replica_identity(cause)
    if cause.origin == "ExecWithCheckOptions":
        return outside_view_or_policy(cause)
    if cause.state in REFUSALS:
        because, remedy = REFUSALS[cause.state]
        return f" because {because}", remedy if not cause.function else ask_owner(cause)
    if cause.function:
        return said, ask_owner(cause)
    return said, without_function(cause)


def without_function(cause: Cause) -> str:
    """Return the remedy for an error of a statement of this program."""
    if cause.state == "42501":
        return (
            f"Ask the owner of the table to grant SELECT, INSERT, UPDATE and DELETE to the role"
            f" {settings.APPLICATION_ROLE} (docs/database-roles.md). Then retry."
        )
    if cause.state.startswith("42"):
        return (
            "The tables differ from what this version expects. Ask your system administrator to run"
            " manage.py check --database default, which says what to change. Then retry."
        )
    return CORRECT_VALUE if cause.state.startswith("22") else ASK_ADMINISTRATOR


def ask_owner(cause: Cause) -> str:
    what = f"trigger {cause.trigger}" if cause.trigger else f"function {cause.function}"
    of_table = f" on table {cause.table}" if cause.table else ""
    return f"Ask the owner of the {what}{of_table} what it requires. When that is done, retry this pair."


# --- Errors whose code alone says too little -------------------------------------------------------------------------


def reference(cause: Cause) -> tuple[str, str]:
    """A foreign key. If the record it refers to is deleted, the message names both tables, otherwise one."""
    if cause.state == "23503" and len(cause.named) < 3:
        return " because a record would refer to one that does not exist", CORRECT
    rule = " (ON DELETE RESTRICT)" if cause.state == "23001" else ""
    remedy = (
        f"Ask the owner of table {cause.table} to delete or reassign the record that refers to it. To let transfers do"
        " so, declare the table as a child of the data type (docs/extending.md). Then retry this pair."
    )
    return f" because another record still refers to one that would be deleted{rule}", remedy


def undefined_setting(cause: Cause) -> tuple[str, str]:
    setting = cause.named[0]
    who = (
        f"trigger {cause.trigger}"
        if cause.trigger
        else f"function {cause.function}"
        if cause.function
        else "it"
    )
    remedy = (
        f"Give {setting} a value in TRANSFER_SESSION_SETTINGS, for example {setting}=0 (docs/extending.md), and restart"
        " the web server and the workers. Then retry."
    )
    return f" because {who} reads the setting {setting}, which has no value", remedy


def no_replica_identity(cause: Cause) -> tuple[str, str]:
    table = cause.named[0] if cause.named else cause.table
    because = f" because the table {table} is in a publication but has no primary key"
    remedy = (
        f"Ask your system administrator to add a primary key, or to run ALTER TABLE {as_identifier(table)} REPLICA"
        " IDENTITY FULL. Then retry."
    )
    return because, remedy


def outside_view_or_policy(cause: Cause) -> tuple[str, str]:
    name = cause.named[-1] if cause.named else cause.table
    if cause.state == "44000":
        because = f" because a record would no longer be part of the view {name} (WITH CHECK OPTION)"
        return because, f"Ask the owner of the view {name} which records it may hold. Then retry this pair."
    because = f" because the row-level security of table {name} does not allow the changed record"
    remedy = (
        f"Ask the owner of table {name} to allow it for the role {settings.APPLICATION_ROLE}. Then retry."
    )
    return because, remedy


def as_identifier(table: str) -> str:
    return table if re.fullmatch(r"[a-z_][a-z0-9_]*", table) else '"{}"'.format(table.replace('"', '""'))


def places(cause: Cause, columns: str) -> list[str]:
    column = cause.column or (columns if cause.state in ("22001", "22003") else "")
    named = {
        "table": cause.table,
        "constraint": cause.constraint,
        "column": column,
        "trigger": cause.trigger,
        "function": cause.function,
        "error code": "" if cause.constraint or cause.column else cause.state,
    }
    return [f"{what} {name}" for what, name in named.items() if name]
