"""What the lines of a log are about: the transfer and the chunk in hand. `operations.logs` writes them down."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

transfer_in_hand: ContextVar[int | None] = ContextVar("transfer_in_hand", default=None)
chunk_in_hand: ContextVar[int | None] = ContextVar("chunk_in_hand", default=None)


@contextmanager
def about(transfer_id: int, chunk: int | None = None) -> Iterator[None]:
    """For the length of the block, or of the function it decorates, every line of the log says so."""
    transfer, part = transfer_in_hand.set(transfer_id), chunk_in_hand.set(chunk)
    try:
        yield
    finally:
        transfer_in_hand.reset(transfer)
        chunk_in_hand.reset(part)


@contextmanager
def apart(log: logging.Logger, what: str, *values: object) -> Iterator[None]:
    """One of several: what goes wrong with it is logged, and the others have their turn."""
    try:
        yield
    except Exception:
        log.exception(what, *values)
