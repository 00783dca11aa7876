"""The files that the user import reads, those that it rejects, and the export."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.people.user_import.models import UserImport
from tests.accounts.people.user_import.pages import (
    CONFIRMATION,
    IMPORT,
    PREVIEW,
    confirm,
    kinds,
    preview,
    send,
)
from tests.fixtures.cast import Cast, signed_in
from tests.fixtures.managers import boss, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "line", "encoding"),
    [
        ("user_name;TEAM", "x.new;Support", "utf-8"),
        ("User Name\tTeam", "x.new\tSupport", "utf-16"),
        (" Team , user name ,Favourite colour", "Support,x.new,blue", "utf-8-sig"),
        ("People,,\r\nUser Name,Team", "x.new,Support", "utf-8"),
        ("sep=;\r\nUser Name;Team", '="x.new";="Support"', "utf-16"),
    ],
)
def test_separators_encodings_and_columns_in_any_order(
    cast: Cast, header: str, line: str, encoding: str
) -> None:
    tess = signed_in(boss(cast))
    send(tess, line, "", header=header, encoding=encoding)
    confirm(tess)
    assert User.objects.get(username="x.new").team == cast.support


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty."),
        (b"PK\x03\x04xl/workbook", "The workbook is damaged"),
        (b"Name,Team\r\nx,y", "Column User Name was not found."),
        (b"ana,ana@example.com\r\nbo,bo@example.com", "The first row must hold the column names."),
        (b"<html>Sign in", "Download users.csv or users.xlsx again and edit that file."),
        (b"User Name,Team", "The file has a header but no users."),
        (b"User Name,user name\r\nx,y", "was found more than once"),
        ("User Name,First Name\r\nx,Zoë".encode("cp1252"), "The file is not UTF-8"),
        (b'User Name,First Name\r\nx,"y', "is never closed"),
        (b"User Name\r\n" + b"x\r\n" * 10_001, "more than 10,000 users"),
    ],
)
def test_rejected_files_say_why(cast: Cast, content: bytes, sentence: str) -> None:
    tess = signed_in(boss(cast))
    answer = tess.post(IMPORT, {"file": SimpleUploadedFile("x.csv", content)})
    assert answer.status_code == 422
    page = text(answer)
    assert sentence in page
    assert "people.csv" not in page
    assert not UserImport.objects.exists()


def test_no_file(cast: Cast) -> None:
    assert "No file was chosen." in text(signed_in(boss(cast)).post(IMPORT))


def test_the_export_is_a_file_that_changes_nothing(cast: Cast) -> None:
    User.objects.filter(pk=cast.ana.pk).update(first_name="=Ana", employee_id="-7")
    tess = signed_in(boss(cast))
    content = b"".join(tess.get("/users/import/users.csv"))
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == User.objects.filter(tenant=cast.abacus).count() + 1
    assert "'=Ana" in [row[1] for row in rows]
    tess.post(IMPORT, {"file": SimpleUploadedFile("users.csv", content)})
    assert set(kinds(tess).values()) == {"unchanged"}
    assert "There is nothing to import." in text(preview(tess))


def test_each_person_has_a_separate_file_and_can_discard_it(cast: Cast) -> None:
    tess, tom = signed_in(boss(cast)), signed_in(boss(cast, "Tom Boss"))
    send(tess, "x.new,,,,,,,,")
    assert tom.get(PREVIEW).url == IMPORT
    assert "is waiting for your confirmation" in text(tess.get(IMPORT))
    tom.post("/users/import/preview/discard/")
    assert UserImport.objects.count() == 1
    tess.post("/users/import/preview/discard/")
    assert not UserImport.objects.exists()


def test_the_permission_is_required_before_anything_is_read(cast: Cast) -> None:
    for address in (IMPORT, PREVIEW, "/users/import/users.csv"):
        assert signed_in(cast.ada).get(address).status_code == 403
    for address in (IMPORT, CONFIRMATION, "/users/import/preview/discard/"):
        assert signed_in(cast.ada).post(address).status_code == 403


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(boss(cast))
    assert client.post(IMPORT, {"file": SimpleUploadedFile("x.csv", b"User Name\r\nx")}).status_code == 403


def test_an_empty_row_is_skipped_and_noted(cast: Cast) -> None:
    tess = signed_in(boss(cast))
    send(tess, "zoe.new,Zoë,New,,,Support,,,", ",,,,,,,,")
    assert "1 empty row skipped." in text(preview(tess))
