"""Adds the ids of the request, user, transfer and chunk to each log line, and formats log lines as JSON.

Only ids are added, so that logs hold no personal data. LOG_FORMAT=json writes one JSON object per line.
"""

import logging
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from pythonjsonlogger.json import JsonFormatter

from audit.log_context import current_chunk, current_transfer
from transfer_site.logs import without_values

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)
FIELDS = ("request_id", "user_id", "transfer_id", "chunk")


class Context(logging.Filter):
    """Adds the current ids to each record, and None for each id that is not set."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = current_request.get()
        record.request_id = getattr(request, "id", None)
        record.user_id = user_of(request)
        record.transfer_id = current_transfer.get()
        record.chunk = current_chunk.get()
        return True


def user_of(request: HttpRequest | None) -> int | None:
    """Return the id of the request's user; None if the user is not loaded yet, because logging must not query the
    database."""
    person = getattr(request, "_cached_user", None)
    return person.pk if person is not None else None


class OneJsonObject(JsonFormatter):
    """Formats a record as a JSON object with its time, level, logger and message, the ids that are set, and the
    traceback as one string."""

    def __init__(self, **kwargs: Any) -> None:
        rename = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=rename, timestamp=False, **kwargs
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Django attaches the request object to errors; the request's id is enough.
        kept = {name: value for name, value in log_data.items() if value is not None and name != "request"}
        return {
            name: without_values(value) if isinstance(value, str) else value for name, value in kept.items()
        }
