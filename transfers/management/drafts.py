"""The drafts of the commands: each is discarded at the end unless it was confirmed, also on Ctrl-C."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.core.management.base import CommandError
from django.db import connection

from accounts.models import User
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers import actions
from transfers.models import State, Transfer

INTERRUPTED = 130  # 128 + SIGINT, as is the convention of shells


@contextmanager
def kept_until_confirmed(make: Callable[[], Transfer], person: User) -> Iterator[Transfer]:
    """Make a draft and yield it, and discard it at the end of the block unless it was confirmed.

    On Ctrl-C, raise a CommandError that says whether anything was started.
    """
    try:
        draft = make()
    except KeyboardInterrupt as interrupt:
        connection.close()  # it may be in the middle of a statement, so it cannot be used again
        raise interrupted("Nothing was changed.") from interrupt
    try:
        try:
            yield draft
        except KeyboardInterrupt:
            connection.close()
            raise
        finally:
            discard_draft(draft, person)  # waits for a confirmation in progress; no-op once confirmed
    except KeyboardInterrupt as interrupt:
        raise interrupted(state_after_interrupt(draft)) from interrupt


def interrupted(text: str) -> CommandError:
    return CommandError(f"\n{text}", returncode=INTERRUPTED)


def discard_draft(draft: Transfer, person: User) -> None:
    """Discard the draft. If the database is unavailable, the draft remains in the person's list of previews."""
    with suppress(DatabaseUnavailable), raising_unavailable():
        actions.discard(by=person, transfer=draft)


def state_after_interrupt(transfer: Transfer) -> str:
    """Return a sentence for the person who pressed Ctrl-C: whether the transfer was started, continues or has ended."""
    try:
        with raising_unavailable():
            transfer.refresh_from_db()
    except DatabaseUnavailable as unavailable:
        return f"{unavailable.sentence} If the transfer has started, it continues when the database is available again."
    if transfer.state in (State.DRAFT, State.DISCARDED):
        return "Nothing was changed."
    if transfer.is_final:
        return f"The transfer has ended. See /transfers/{transfer.number}/ in the browser."
    return (
        f"The transfer was not stopped and continues on the server. To stop it, open /transfers/{transfer.number}/"
        " in the browser and choose Stop after the current users."
    )
