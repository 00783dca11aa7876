"""Files sent to pages that expect none are dropped, even if the client is anonymous."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import StopUpload
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from spreadsheets.intake import MAX_BYTES
from tests.fixtures.cast import Cast, signed_in
from web.uploads import DropUploads, limit_uploads

LARGE = 3_000_000  # more than Django keeps in memory, so it would be written to disk


def test_unexpected_files_are_dropped(settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"  # writing a file there would fail
    sent = {"word": "x", "file": SimpleUploadedFile("a.csv", b"x" * (DropUploads.read_limit - 1))}
    request = RequestFactory().post("/", sent)
    assert request.POST["word"] == "x"
    assert not request.FILES


@pytest.mark.parametrize("size", [0, 10, LARGE, MAX_BYTES, MAX_BYTES + 1, MAX_BYTES + 100_000])
def test_expected_files_are_kept_in_memory_up_to_the_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Nothing is written to a disk, where a process killed in mid-upload would leave it."""
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    request = RequestFactory().post("/", {"word": "x", "file": SimpleUploadedFile("a.csv", b"x" * size)})
    limit_uploads(request)
    file = request.FILES["file"]
    assert (file.name, file.size, len(file.read())) == ("a.csv", min(size, MAX_BYTES + 1), file.size)
    assert request.POST["word"] == "x"


def test_the_limit_is_that_of_all_files_of_a_request() -> None:
    parts = {name: SimpleUploadedFile("a.csv", b"x" * (MAX_BYTES // 2)) for name in ("a", "b", "file")}
    request = RequestFactory().post("/", parts)
    limit_uploads(request)
    assert sum(file.size for file in request.FILES.values()) == MAX_BYTES + 1


def test_more_files_than_a_form_can_have_are_refused(cast: Cast) -> None:
    files = {f"file{number}": SimpleUploadedFile("a.csv", b"x") for number in range(500)}
    for client, page in ((Client(), "accounts:sign-in"), (signed_in(cast.ada), "transfers:bulk")):
        assert client.post(reverse(page), files).status_code == 400


def test_a_workbook_that_finds_no_space_is_refused_in_words(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    address = reverse("transfers:people-export")
    answer = signed_in(cast.ada).get(address, {"format": "xlsx"})
    assert answer.status_code == 503
    assert "no space left for temporary files" in answer.content.decode()
    assert "nothing can be written in /nowhere" in caplog.text
    assert "Traceback" not in caplog.text
    assert signed_in(cast.ada).get(address).status_code == 200


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
