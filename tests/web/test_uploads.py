"""Files sent to pages that expect none are dropped, even if the client is anonymous."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import StopUpload
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from web.uploads import DropUploads

LARGE = 3_000_000  # more than Django keeps in memory, so it would be written to disk


def test_unexpected_files_are_dropped(settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"  # writing a file there would fail
    sent = {"word": "x", "file": SimpleUploadedFile("a.csv", b"x" * (DropUploads.read_limit - 1))}
    request = RequestFactory().post("/", sent)
    assert request.POST["word"] == "x"
    assert not request.FILES


def test_reading_stops_at_the_limit() -> None:
    handler = DropUploads()
    for number in range(handler.read_limit // 65536):
        handler.receive_data_chunk(b"x" * 65536, number)
    with pytest.raises(StopUpload) as stopped:
        handler.receive_data_chunk(b"x", 0)
    assert stopped.value.connection_reset


def test_an_anonymous_client_cannot_fill_the_disk_through_the_sign_in_page(
    db: None, settings: Settings
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    file = BytesIO(b"x" * LARGE)
    file.name = "a.csv"
    answer = Client(enforce_csrf_checks=True).post(reverse("accounts:sign-in"), {"file": file})
    assert answer.status_code == 403
