"""CSV downloads: streamed, never cached."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse


def csv_download(name: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
