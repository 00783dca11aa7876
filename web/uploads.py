"""Upload handlers: pages that accept a file take no more than the reader accepts, all others drop files."""

from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    StopUpload,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest

from spreadsheets.intake import MAX_BYTES


class DropUploads(FileUploadHandler):
    """Drops every file as it arrives, and closes the connection after `read_limit` bytes.

    The site's default handler: any form can be sent with files, even by anonymous clients, and would fill the disk.
    """

    read_limit = 1024 * 1024
    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.received > self.read_limit:
            raise StopUpload(connection_reset=True)
        return None

    def file_complete(self, file_size: int) -> Any:
        return None


class LimitUploads(DropUploads):
    """Passes up to one byte over the limit to Django's own handlers, and drops the rest.

    The extra byte tells the reader that the file is too large. The rest is still read, within reason, because browsers
    show no response before they have sent everything.
    """

    read_limit = 10 * MAX_BYTES

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        room = MAX_BYTES + 1 - self.received
        super().receive_data_chunk(raw_data, start)
        return raw_data[:room] if room > 0 else None


def limit_uploads(request: HttpRequest) -> None:
    """Accept a file in this request. Must be called before anything reads the request's body."""
    request.upload_handlers = [
        LimitUploads(request),
        MemoryFileUploadHandler(request),
        TemporaryFileUploadHandler(request),
    ]
