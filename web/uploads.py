"""Upload handlers: pages that accept a file limit its size, and all other pages discard files."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
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
    """Keeps up to one byte more than MAX_BYTES of all files of a request in memory, and discards the rest.

    No file is written to disk: a process killed in mid-upload would leave it there, and a full disk would refuse it.
    The code that reads a file needs it in memory anyway; the extra byte lets it detect that the file is too large. The
    rest is still received, up to `read_limit`, because browsers show no response before they have sent everything.
    """

    read_limit = 10 * MAX_BYTES

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = MAX_BYTES + 1 - self.received
        super().receive_data_chunk(raw_data, start)
        self.file.write(raw_data[: max(room, 0)])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        size = self.file.tell()
        self.file.seek(0)
        return InMemoryUploadedFile(
            self.file,
            self.field_name,
            self.file_name,
            self.content_type or "",
            size,
            self.charset,
            self.content_type_extra,
        )


def limit_uploads(request: HttpRequest) -> None:
    """Accept files in this request, limited in size. Must be called before anything reads the request's body."""
    request.upload_handlers = [LimitUploads(request)]
