"""Runs `manage.py`, and handles errors common to all commands: bad settings, an unavailable database, a closed pipe."""

import os
import select
import sys
from collections.abc import Sequence
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import Error

from tenancy.postgresql.transient_errors import DatabaseUnavailable, database_error, is_temporary

PIPE_CLOSED = 141  # the exit code that shells report for a program ended by SIGPIPE
# Django's commands that do not work with tenants, and what replaces them: row-level security hides every user from
# changepassword, and createsuperuser would create a user without a tenant.
REPLACED = {
    "changepassword": "manage.py set_password USER",
    "createsuperuser": "manage.py new_tenant for the first administrator of a tenant, and manage.py operator add USER"
    " for an operator",
}
# The settings by which PostgreSQL ends what takes too long, by the code of the error.
TIMEOUTS = {"57014": "statement_timeout", "25P04": "transaction_timeout"}
TIMED_OUT = (
    "The database ended this command ({reason}). If {setting} of the role or the database is short, set it to 0 or to"
    " some minutes; manage.py doctor names the settings that are too short."
)


def main(words: Sequence[str]) -> int | str | None:
    """Run the command and return the argument for `sys.exit`.

    This is an exit code, or a message that `sys.exit` prints to standard error before it exits with code 1.
    """
    try:
        code = run(words)
        sys.stdout.flush()  # Python's own flush at exit would raise where nothing can catch it
        return code
    except BrokenPipeError:
        closed = [stream for stream in (sys.stdout, sys.stderr) if is_closed(stream)]
        if not closed:
            raise
        for stream in closed:
            discard(stream)
        return PIPE_CLOSED


def run(words: Sequence[str]) -> int | str | None:
    if len(words) > 1 and words[1] in REPLACED:
        return f"{words[1]} does not work on this site. Use {REPLACED[words[1]]}."
    if unreadable := next((word for word in words if not is_text(word)), None):
        return f"The argument {unreadable!a} is not in UTF-8, so nothing was done. Type it again, or rename the file."
    try:
        execute_from_command_line(list(words))
    except SystemExit as end:
        return end.code
    except (ImproperlyConfigured, Error) as error:
        message = message_for(error)
        if not message or "--traceback" in words:
            raise
        return message
    return 0


def is_text(word: str) -> bool:
    """Return whether the word was readable: Python keeps bytes that are not UTF-8 as surrogates."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def message_for(error: Exception) -> str:
    """Return the message to show instead of a traceback; "" if the traceback is needed."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if is_temporary(error):
        return DatabaseUnavailable(error).sentence
    cause = database_error(error)
    setting = TIMEOUTS.get(cause.sqlstate or "") if cause else None
    return TIMED_OUT.format(reason=str(cause).split("\n", 1)[0], setting=setting) if setting else ""


def is_closed(stream: TextIO) -> bool:
    """Return whether the reader of this pipe has closed it."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def discard(stream: TextIO) -> None:
    """Redirect further writes, including the interpreter's final flush, to /dev/null."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
