"""Upload handlers: pages that accept a file limit its size, and all other pages discard files."""

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
    """Discards every file as it arrives, and closes the connection after `read_limit` bytes.

    This is the site's default handler. Otherwise even anonymous clients could fill the disk, since files can be sent
    with any form.
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
    """Passes up to one byte more than MAX_BYTES to Django's own handlers, and discards the rest.

    The extra byte lets the code that reads the file detect that the file is too large. The rest is still received, up
    to `read_limit`, because browsers show no response before they have sent everything.
    """

    read_limit = 10 * MAX_BYTES

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        room = MAX_BYTES + 1 - self.received
        super().receive_data_chunk(raw_data, start)
        return raw_data[:room] if room > 0 else None


def limit_uploads(request: HttpRequest) -> None:
    """Accept files in this request, limited in size. Must be called before anything reads the request's body."""
    request.upload_handlers = [
        LimitUploads(request),
        MemoryFileUploadHandler(request),
        TemporaryFileUploadHandler(request),
    ]
