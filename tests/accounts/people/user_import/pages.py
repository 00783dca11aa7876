"""Uploads files of users, and reads their preview."""

import csv
import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

IMPORT, PREVIEW, CONFIRMATION = (
    "/users/import/",
    "/users/import/preview/",
    "/users/import/preview/confirmation/",
)
HEADER = "User Name,First Name,Last Name,Email,Employee ID,Team,Active,Roles,Views"


def send(client: Client, *lines: str, header: str = HEADER, encoding: str = "utf-8-sig") -> Any:
    content = "\r\n".join([header, *lines]).encode(encoding)
    return client.post(IMPORT, {"file": SimpleUploadedFile("new.csv", content)})


def preview(client: Client, **query: Any) -> Any:
    response = client.get(PREVIEW, {"rows": 100, **query})
    assert response.status_code == 200
    return response


def kinds(client: Client) -> dict[int, str]:
    return {line["outcome"].row.number: line["outcome"].kind for line in preview(client).context["lines"]}


def codes(client: Client) -> dict[int, list[str]]:
    lines = preview(client).context["lines"]
    return {line["outcome"].row.number: [p.code for p in line["outcome"].problems] for line in lines}


def confirm(client: Client) -> Any:
    return client.post(CONFIRMATION, {"seen": preview(client).context["seen"]})


def download_errors(client: Client) -> list[dict[str, str]]:
    response: Any = client.get(f"{IMPORT}errors.csv")
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))
