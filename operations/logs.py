"""What every line of the log says beside its message: the request, the user, the transfer and the chunk.

Ids only, so that a log holds no personal data. LOG_FORMAT=json writes one JSON object a line, for machines.
"""

import logging
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from pythonjsonlogger.json import JsonFormatter

from transfer_site.logs import without_values
from transfers.log_context import chunk_in_hand, transfer_in_hand

request_in_hand: ContextVar[HttpRequest | None] = ContextVar("request_in_hand", default=None)
FIELDS = ("request_id", "user_id", "transfer_id", "chunk")


class Context(logging.Filter):
    """Adds the ids of what is in hand; None where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = request_in_hand.get()
        record.request_id = getattr(request, "id", None)
        record.user_id = user_of(request)
        record.transfer_id = transfer_in_hand.get()
        record.chunk = chunk_in_hand.get()
        return True


def user_of(request: HttpRequest | None) -> int | None:
    """Of a person who was asked for already; a line of the log is no reason to ask the database."""
    person = getattr(request, "_cached_user", None)
    return person.pk if person is not None else None


class OneJsonObject(JsonFormatter):
    """Time, level, logger, message and the ids that there are; a traceback as one string."""

    def __init__(self, **kwargs: Any) -> None:
        rename = {"asctime": "time", "levelname": "level", "name": "logger"}
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=rename, timestamp=False, **kwargs
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Django puts the request object of an error beside its message; its id says as much.
        kept = {name: value for name, value in log_data.items() if value is not None and name != "request"}
        return {
            name: without_values(value) if isinstance(value, str) else value for name, value in kept.items()
        }
