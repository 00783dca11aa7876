"""Files that nobody asked for."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

PATIENCE = 1024 * 1024


class NoFiles(FileUploadHandler):
    """Drops every file as it comes, and hangs up on more than a megabyte of them: any form of any page may be sent with
    files in it, also by strangers, and would fill the disk. A page that takes files in has handlers of its own."""

    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > PATIENCE:
            raise StopUpload(connection_reset=True)

    def file_complete(self, file_size: int) -> Any:
        return None
