"""Downloads of tables, as CSV or as workbooks: streamed, never cached."""

import logging
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from spreadsheets.writer import Table
from spreadsheets.xlsx.writer import TemporaryFilesFailed

log = logging.getLogger(__name__)

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table_download(request: HttpRequest, name: str, table: Table) -> HttpResponseBase:
    """Return the table as the file `name`.csv, or as `name`.xlsx if the address ends with `?format=xlsx`."""
    if request.GET.get("format") != "xlsx":
        return _download(f"{name}.csv", CSV, table.csv())
    try:
        return _download(f"{name}.xlsx", XLSX, table.xlsx())
    except TemporaryFilesFailed as error:
        return _refused(request, error)


def _refused(request: HttpRequest, error: TemporaryFilesFailed) -> HttpResponse:
    log.error("No workbook could be made: nothing can be written in %s (%s).", error.filename, error.strerror)
    return render(request, "no_temporary_files.html", status=503)


def _download(name: str, content_type: str, content: Iterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
