"""Logging context: the current transfer and chunk, which `operations.monitoring.logs` adds to each line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

current_transfer: ContextVar[int | None] = ContextVar("current_transfer", default=None)
current_chunk: ContextVar[int | None] = ContextVar("current_chunk", default=None)


@contextmanager
def transfer_log_context(transfer_id: int, chunk: int | None = None) -> Iterator[None]:
    """Add the transfer and chunk to every log line written within the block or the decorated function."""
    transfer_token, chunk_token = current_transfer.set(transfer_id), current_chunk.set(chunk)
    try:
        yield
    finally:
        current_transfer.reset(transfer_token)
        current_chunk.reset(chunk_token)


@contextmanager
def log_errors(log: logging.Logger, message: str, *values: object) -> Iterator[None]:
    """Log an exception instead of raising it, so that the caller can go on with its next item."""
    try:
        yield
    except Exception:
        log.exception(message, *values)
