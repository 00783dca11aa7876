"""Follow a confirmed transfer to its end, and do the work if no worker is running."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.core.management.base import OutputWrapper
from django.db import connection
from django.utils import timezone

from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers.engine.locks import idle_transfers
from transfers.engine.worker import work_on
from transfers.models import Transfer
from transfers.results.progress import Progress, progress_of, time_left_in_words

Result = TypeVar("Result")

PATIENCE = 5.0  # seconds without a worker after which this process does the work
TURN = 2.0  # seconds of work between two progress updates
POLL = 0.5  # seconds between two progress updates while a worker does the work
LINES_APART = 5.0  # minimum seconds between two progress lines if the output is not a terminal
BAR_WIDTH = 30


def follow(transfer: Transfer, view: "View") -> None:
    """Show progress until the transfer has ended, and do the work if no worker is running.

    While the database is unavailable, wait. After Ctrl-C, workers continue the transfer.
    """
    worker_seen_at = time.monotonic()

    def update() -> None:
        nonlocal worker_seen_at
        view.show_progress(progress_of(transfer))
        if not idle_transfers([transfer.pk]):
            worker_seen_at = time.monotonic()
        if time.monotonic() - worker_seen_at < PATIENCE:
            time.sleep(POLL)
        else:
            view.say("No worker is running, so this command transfers the data itself.")
            work_on(transfer.pk, seconds=TURN)
        transfer.refresh_from_db()

    while not transfer.is_final:
        outlasting(view, update)
    outlasting(view, lambda: view.show_progress(progress_of(transfer), last=True))


def outlasting(view: "View", do: Callable[[], Result]) -> Result:
    """Return the result of `do`, calling it again as long as the database is unavailable."""
    while True:
        try:
            with raising_unavailable():
                return do()
        except DatabaseUnavailable as unavailable:
            status = "Reconnecting to the database…" if unavailable.is_lost else unavailable.sentence
            view.say(f"{status} A transfer that has started continues when the database is available again.")
            connection.close()
            time.sleep(POLL)


class View:
    """Progress output: a bar on a terminal, otherwise a line every few seconds."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out
        self.is_terminal = out.isatty()
        self.shown = ""
        self.shown_at = float("-inf")
        self.messages: set[str] = set()

    def say(self, text: str) -> None:
        """Write a line of text, unless the same text was written before."""
        if text not in self.messages:
            self.messages.add(text)
            self.out.write(self.clear() + text)
            self.out.flush()

    def show_progress(self, progress: Progress, *, last: bool = False) -> None:
        text = progress_in_words(progress, timezone.now())
        if self.is_terminal:
            self.out.write(f"{self.clear()}{bar(progress)} {text}", ending="\n" if last else "")
        elif text != self.shown and (last or time.monotonic() - self.shown_at >= LINES_APART):
            self.shown, self.shown_at = text, time.monotonic()
            self.out.write(text)
        self.out.flush()  # flush files and pipes too, as someone may be watching them

    def clear(self) -> str:
        """Return the control sequence that erases the current line of a terminal (ECMA-48, EL); "" for other output."""
        return "\r\x1b[K" if self.is_terminal else ""


def progress_in_words(progress: Progress, now: datetime) -> str:
    """Return, for example, "120 of 412 done · 2 failed · about 25 minutes left"."""
    parts = [f"{progress.done:,} of {progress.total:,} done"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    left = time_left_in_words(progress.left(now)) if progress.done < progress.total else ""
    return " · ".join([*parts, left] if left else parts)


def bar(progress: Progress) -> str:
    filled = BAR_WIDTH * progress.done // max(progress.total, 1)
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"
