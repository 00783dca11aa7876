"""Takes an upload in without ever holding or keeping more of it than the reader would accept."""

from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest

from transfers.people_csv import MAX_BYTES


class UploadLimit(FileUploadHandler):
    """Goes before Django's own handlers and drops what lies beyond the limit.

    One byte more than allowed is let through, so that the reader sees that the file is too large. The rest is read
    and forgotten, because a browser shows no answer while it is still sending; but not without end.
    """

    patience = 10 * MAX_BYTES

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        room = MAX_BYTES + 1 - self.received
        self.received += len(raw_data)
        if self.received > self.patience:
            raise StopUpload(connection_reset=True)
        return raw_data[:room] if room > 0 else None

    def file_complete(self, file_size: int) -> Any:
        return None


def limit_uploads(request: HttpRequest) -> None:
    """Lets this request bring a file, which no other may. Has to be called before anything reads the request's body."""
    request.upload_handlers = [
        UploadLimit(request),
        MemoryFileUploadHandler(request),
        TemporaryFileUploadHandler(request),
    ]
