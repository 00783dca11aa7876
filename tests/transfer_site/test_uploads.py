"""A form may be sent with files in it to any page, also by strangers: nothing of them is kept."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import StopUpload
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from transfer_site.uploads import PATIENCE, NoFiles

KEPT = 3_000_000  # beyond what Django keeps in memory: it would go to the disk


def test_files_that_nobody_asked_for_are_dropped(settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"  # a file kept there would be an error
    sent = {"word": "x", "file": SimpleUploadedFile("a.csv", b"x" * (PATIENCE - 1))}
    request = RequestFactory().post("/", sent)
    assert request.POST["word"] == "x"
    assert not request.FILES


def test_more_of_them_are_not_even_read() -> None:
    handler = NoFiles()
    for number in range(PATIENCE // 65536):
        handler.receive_data_chunk(b"x" * 65536, number)
    with pytest.raises(StopUpload) as stopped:
        handler.receive_data_chunk(b"x", 0)
    assert stopped.value.connection_reset


def test_a_stranger_cannot_fill_the_disk_by_the_sign_in(db: None, settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    file = BytesIO(b"x" * KEPT)
    file.name = "a.csv"
    answer = Client(enforce_csrf_checks=True).post(reverse("accounts:sign-in"), {"file": file})
    assert answer.status_code == 403
