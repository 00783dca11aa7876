"""Downloads of tables, as CSV or as workbooks: streamed, never cached."""

from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse

from spreadsheets.writer import Table

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table_download(request: HttpRequest, name: str, table: Table) -> StreamingHttpResponse:
    """Return the table as the file `name`.csv, or as `name`.xlsx if the address ends with `?format=xlsx`."""
    if request.GET.get("format") == "xlsx":
        return _download(f"{name}.xlsx", XLSX, table.xlsx())
    return _download(f"{name}.csv", CSV, table.csv())


def _download(name: str, content_type: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
