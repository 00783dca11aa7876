"""Follows a confirmed transfer to its end, and works on it where nobody else does."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.core.management.base import OutputWrapper
from django.db import connection
from django.utils import timezone

from accounts.postgresql.away import DatabaseAway, telling_when_away
from transfers.engine.locks import without_a_worker
from transfers.engine.worker import work_on
from transfers.models import Transfer
from transfers.results import Progress, in_words, progress_of

Result = TypeVar("Result")

PATIENCE = 5.0  # seconds without a worker before this process works itself
TURN = 2.0  # seconds of work between two looks at the progress
LOOK = 0.5  # seconds between two looks while others work
LINES_APART = 5.0  # seconds between two lines where the output is no terminal
WIDTH = 30


def follow(transfer: Transfer, view: "View") -> None:
    """Returns once the transfer is final; a database that goes away is waited for. Ctrl-C leaves it to the workers."""
    seen_at_work = time.monotonic()

    def look() -> None:
        nonlocal seen_at_work
        view.show(progress_of(transfer))
        if not without_a_worker([transfer.pk]):
            seen_at_work = time.monotonic()
        if time.monotonic() - seen_at_work < PATIENCE:
            time.sleep(LOOK)
        else:
            view.say("No worker has taken the transfer, so this command works on it itself.")
            work_on(transfer.pk, seconds=TURN)
        transfer.refresh_from_db()

    while not transfer.is_final:
        outlasting(view, look)
    outlasting(view, lambda: view.show(progress_of(transfer), last=True))


def outlasting(view: "View", do: Callable[[], Result]) -> Result:
    """What is done, which is done again for as long as the database is away; other errors are raised."""
    while True:
        try:
            with telling_when_away():
                return do()
        except DatabaseAway as away:
            what = "Reconnecting to the database…" if away.is_lost else away.sentence
            view.say(f"{what} A transfer that was started goes on when it is back.")
            connection.close()
            time.sleep(LOOK)


class View:
    """A progress bar on a terminal, now and then a line elsewhere."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out
        self.is_terminal = out.isatty()
        self.shown = ""
        self.shown_at = float("-inf")
        self.said: set[str] = set()

    def say(self, text: str) -> None:
        """A line of its own; the same one only once."""
        if text not in self.said:
            self.said.add(text)
            self.out.write(self.clear() + text)
            self.out.flush()

    def show(self, progress: Progress, *, last: bool = False) -> None:
        text = words(progress, timezone.now())
        if self.is_terminal:
            self.out.write(f"{self.clear()}{bar(progress)} {text}", ending="\n" if last else "")
        elif text != self.shown and (last or time.monotonic() - self.shown_at >= LINES_APART):
            self.shown, self.shown_at = text, time.monotonic()
            self.out.write(text)
        self.out.flush()  # into a file or a pipe as well, where somebody follows it

    def clear(self) -> str:
        """Back to the beginning of a terminal's line, and what stood there is wiped (ECMA-48, EL)."""
        return "\r\x1b[K" if self.is_terminal else ""


def words(progress: Progress, now: datetime) -> str:
    """ "120 of 412 done · 2 failed · about 25 minutes left" """
    parts = [f"{progress.done:,} of {progress.total:,} done"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    left = in_words(progress.left(now)) if progress.done < progress.total else ""
    return " · ".join([*parts, left] if left else parts)


def bar(progress: Progress) -> str:
    filled = WIDTH * progress.done // max(progress.total, 1)
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}]"
