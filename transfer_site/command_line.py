"""`manage.py`: what ends every command alike - settings that are missing, a database that is away, a closed pipe."""

import os
import select
import sys
from collections.abc import Sequence
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import Error

from accounts.postgresql.away import DatabaseAway, is_away

PIPE_CLOSED = 141  # what a shell says of a program that SIGPIPE ended
# Django's own, which know no tenants: row-level security hides every user from the one, the other would make a user
# without a tenant.
INSTEAD = {
    "changepassword": "manage.py set_password USER",
    "createsuperuser": "manage.py new_tenant for the first administrator of a tenant, and manage.py operator add USER",
}


def main(words: Sequence[str]) -> int | str | None:
    """Returns what `sys.exit` is to be given: an exit code, or a sentence for standard error, and the code is 1."""
    try:
        code = run(words)
        sys.stdout.flush()  # at the end of the process nobody could catch what this raises
        return code
    except BrokenPipeError:
        closed = [stream for stream in (sys.stdout, sys.stderr) if is_closed(stream)]
        if not closed:
            raise
        for stream in closed:
            throw_away(stream)
        return PIPE_CLOSED


def run(words: Sequence[str]) -> int | str | None:
    if len(words) > 1 and words[1] in INSTEAD:
        return f"{words[1]} is not for this site. Use {INSTEAD[words[1]]}."
    try:
        execute_from_command_line(list(words))
    except SystemExit as end:
        return end.code
    except (ImproperlyConfigured, Error) as error:
        sentence = sentence_of(error)
        if not sentence or "--traceback" in words:
            raise
        return sentence
    return 0


def sentence_of(error: Exception) -> str:
    """What to say in place of a traceback; "" where the traceback is what somebody has to see."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    return DatabaseAway(error).sentence if is_away(error) else ""


def is_closed(stream: TextIO) -> bool:
    """Has the reader at the other end of this pipe gone away?"""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def throw_away(stream: TextIO) -> None:
    """Whatever is still written to the stream, by the interpreter's own last flush too, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
