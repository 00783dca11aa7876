import re
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.log import sentence
from spreadsheets.intake import MAX_BYTES
from tests.fixtures.cast import Cast, draft, signed_in, transfer
from tests.fixtures.html import one_line
from tests.transfers.actions.sheets import events
from transfers import actions
from transfers.models import Kind, State, Transfer
from web.uploads import LimitUploads

HEADER = "From User ID,To User ID,First Name,Last Name\r\n"
FILE_WORDS = re.compile(r"upload|people\.csv|\bfiles?\b|-separated", re.IGNORECASE)


def get(user: User, **query: Any) -> str:
    response = signed_in(user).get(reverse("transfers:bulk"), query)
    assert response.status_code == 200
    return response.content.decode()


def upload(user: User, content: str | bytes, name: str = "people.csv", **headers: Any) -> HttpResponse:
    body = content.encode() if isinstance(content, str) else content
    return signed_in(user).post(
        reverse("transfers:bulk"), {"file": SimpleUploadedFile(name, body)}, headers=headers or None
    )


def pair_file(source: User, target: User) -> str:
    return f"{HEADER}{source.pk},{target.pk},{source.first_name},{source.last_name}\r\n"


def test_the_three_steps_are_shown_at_once(cast: Cast) -> None:
    steps = get(cast.ada)

    assert 'href="#steps">Run a new bulk data transfer' in steps
    for label in (
        "Click here to download an export of all users.",
        "as CSV (people.csv)",
        "Download it as an Excel workbook (people.xlsx)",
        "Upload User Data Transfer File",
    ):
        assert label in steps
    assert reverse("transfers:people-export") in steps


def test_previews_of_the_same_file_are_told_apart(cast: Cast) -> None:
    made = [
        actions.upload(
            by=cast.ada, file_name="people.csv", stream=BytesIO(pair_file(cast.ana, cast.bo).encode())
        )
        for _ in range(2)
    ]
    listed = one_line(get(cast.ada))
    assert "1 of 1 rows" in listed
    for preview in made:
        assert f"{preview.created_at:%H:%M:%S}" in listed


def test_the_steps_say_what_the_id_columns_may_hold(cast: Cast) -> None:
    assert "Emails, user names and employee IDs are possible too." not in get(cast.ada, new="1")
    cast.abacus.allows_identifiers = True
    cast.abacus.save()
    steps = get(cast.ada, new="1")
    assert "ID, email, user name or employee ID" in steps
    assert "Emails, user names and employee IDs are possible too." in steps


def test_a_good_file_redirects_to_its_preview(cast: Cast) -> None:
    response = upload(cast.ada, pair_file(cast.ana, cast.bo))

    made = Transfer.objects.get()
    assert (response.status_code, response["Location"]) == (
        302,
        reverse("transfers:preview", args=[made.number]),
    )
    assert (made.kind, made.state, made.requested_by) == (Kind.BULK, State.DRAFT, cast.ada)


def test_a_good_file_by_htmx_redirects_to_its_preview(cast: Cast) -> None:
    response = upload(cast.ada, pair_file(cast.ana, cast.bo), HX_Request="true")

    assert response["HX-Redirect"] == reverse("transfers:preview", args=[Transfer.objects.get().number])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "This file is empty"),
        (b"From User ID,To User ID\r\n", "column names but no users"),
        (b"%PDF-1.7 ...", "This is a PDF file"),
        (b"PK\x03\x04 xl/workbook.xml", "save it as .xlsx"),
        (b"a|b|c\r\nd|e|f\r\n", "From User ID and To User ID were not found"),
        (b"<html>\0", "This is a web page"),
        (b'From User ID,To User ID\r\n1,"2\r\n', "quotation mark"),
    ],
)
def test_refused_file_stays_on_the_upload_step(cast: Cast, content: bytes, words: str) -> None:
    response = upload(cast.ada, content)

    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "Nothing was changed" in page
    assert "Upload User Data Transfer File" in page
    assert not Transfer.objects.exists()
    assert upload(cast.ada, content, HX_Request="true").status_code == 200


def test_no_file_chosen(cast: Cast) -> None:
    for data in ({}, {"file": "text, not a file"}):
        response = signed_in(cast.ada).post(reverse("transfers:bulk"), data)

        assert response.status_code == 422
        assert "No file was chosen" in response.content.decode()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a" * 300 + ".csv",
        "<script>alert(1)</script>.csv",
        "\u202evsc.elpoep",
        'a"b\r\n;c.csv',
    ],
)
def test_any_file_name_is_shown_as_text(cast: Cast, name: str) -> None:
    response = upload(cast.ada, pair_file(cast.ana, cast.bo), name=name)

    assert response.status_code == 302
    page = get(cast.ada)
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "Unfinished previews" in page


def test_a_file_above_the_size_limit_is_refused(cast: Cast) -> None:
    response = upload(cast.ada, b"x" * (MAX_BYTES + 10))

    assert response.status_code == 422
    assert "larger than 25 MB" in response.content.decode()


def test_an_upload_is_cut_off_at_the_limit() -> None:
    handler, step = LimitUploads(), 2**20
    handler.new_file("file", "people.csv", "text/csv", None)
    for number in range(2 * MAX_BYTES // step):
        handler.receive_data_chunk(b"x" * step, number * step)

    assert handler.file_complete(2 * MAX_BYTES).size == MAX_BYTES + 1


@pytest.mark.parametrize("name", ["otto", "vera", "nina"])
def test_wrong_role_is_refused_before_the_body_is_read(cast: Cast, name: str) -> None:
    class Unreadable(BytesIO):
        def read(self, *args: Any) -> bytes:
            raise AssertionError("the body was read")

    client = Client(enforce_csrf_checks=True)
    client.force_login(getattr(cast, name))
    client.cookies["csrftoken"] = "x" * 32  # with this cookie, the CSRF check would read the body
    response = client.generic(
        "POST",
        reverse("transfers:bulk"),
        content_type="multipart/form-data; boundary=b",
        **{"wsgi.input": Unreadable(), "CONTENT_LENGTH": "100"},
    )

    assert response.status_code == 403
    assert "Transfer data in bulk" in response.content.decode()


def test_forged_upload_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.ada)

    response = client.post(reverse("transfers:bulk"), {"file": SimpleUploadedFile("people.csv", b"x")})

    assert response.status_code == 403
    assert not Transfer.objects.exists()


def test_the_persons_own_unfinished_previews_are_listed(cast: Cast) -> None:
    mine, hers = draft(cast.ada, file_name="mine.csv"), draft(cast.frida, file_name="hers.csv")

    page = get(cast.ada)

    assert "mine.csv" in page
    assert reverse("transfers:preview", args=[mine.number]) in page
    assert reverse("transfers:preview-discard", args=[mine.number]) in page
    assert "hers.csv" not in page
    assert reverse("transfers:preview", args=[hers.number]) not in page


def test_a_running_bulk_is_shown_and_a_new_one_can_be_prepared(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)

    assert "A bulk transfer is running." in get(cast.ada)
    assert reverse("transfers:transfer-detail", args=[running.number]) in get(cast.ada)
    assert "A bulk transfer is running." not in get(cast.frida)
    assert upload(cast.ada, pair_file(cast.ana, cast.bo)).status_code == 302


def test_other_methods_are_not_allowed(cast: Cast) -> None:
    client = signed_in(cast.ada)

    assert client.delete(reverse("transfers:bulk")).status_code == 405
    assert client.put(reverse("transfers:bulk")).status_code == 405
    for content_type, status in (("multipart/form-data; boundary=x", 422), ("multipart/form-data", 400)):
        response = client.post(reverse("transfers:bulk"), b"nonsense", content_type=content_type)
        assert response.status_code == status


def test_pasted_rows_go_the_way_of_a_file(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transfers.actions.drafting.FEW_USERS", 1)
    pasted = f"{cast.ana.pk}\t{cast.bo.pk}\r\n{cast.cy.pk}\tnobody"
    response = signed_in(cast.ada).post(reverse("transfers:bulk"), {"pasted": pasted})
    draft = Transfer.objects.get()
    assert response["Location"] == reverse("transfers:preview", args=[draft.number])
    assert draft.file_name == "Pasted rows"
    assert "fewer-rows-than-users" not in [note["code"] for note in draft.file_summary["notes"]]
    assert [(row.number, row.from_id, row.to_id) for row in draft.rows.all()] == [
        (2, cast.ana.pk, cast.bo.pk),
        (3, cast.cy.pk, None),
    ]


def test_pasted_rows_that_cannot_be_used_stay_in_the_box(cast: Cast) -> None:
    response = signed_in(cast.ada).post(reverse("transfers:bulk"), {"pasted": "To User ID\n<19>"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "The pasted rows could not be used. Nothing was changed." in page
    assert "Correct the rows in the box, then check them again." in page
    assert not FILE_WORDS.search(error_summary(page))
    assert "&lt;19&gt;</textarea>" in page
    assert not Transfer.objects.exists()


def error_summary(page: str) -> str:
    return page.split('id="error-summary"')[1].split("</ul>")[0]


@pytest.mark.parametrize(
    "pasted",
    [
        "From User ID\n18",
        "From User ID\tTo User ID",
        "From User ID\tTo User ID\tTo User ID\n18\t19\t20",
        'To User ID\tFrom User ID\n18\t"19',
        'To User ID\tFrom User ID\n18\t"19"0',
        "To User ID\tFrom User ID\n18\t19\nFrom User ID\tTo User ID",
        'To User ID\tFrom User ID\n18\t"19\n20\t21"',
        "1\t2\n" * 5_001,
        "1\t#N/A\n" * 20_001,
    ],
    ids=lambda text: text[:30],
)
def test_the_reason_why_pasted_rows_cannot_be_used_speaks_of_no_file(cast: Cast, pasted: str) -> None:
    response = signed_in(cast.ada).post(reverse("transfers:bulk"), {"pasted": pasted})
    assert response.status_code == 422
    assert not FILE_WORDS.search(error_summary(response.content.decode()))
    (event,) = events("rows-refused")
    assert not FILE_WORDS.search(sentence(event))


@pytest.mark.parametrize("pasted", ["21 494\n22 300", " \n "])
def test_one_pasted_column_is_refused(cast: Cast, pasted: str) -> None:
    response = signed_in(cast.ada).post(reverse("transfers:bulk"), {"pasted": pasted})
    assert response.status_code == 422
    assert "Correct the rows in the box" in error_summary(response.content.decode())


def test_the_pages_of_pasted_rows_speak_of_no_file(cast: Cast) -> None:
    pairs = [
        (cast.ana.pk, cast.bo.pk),
        (cast.cy.pk, 7_000_777),
        (cast.di.pk, "1,234"),
        (cast.ana.pk, "Bo Chen"),
    ]
    rows = [f"{source}\t{target}\tNobody\tX" for source, target in pairs]
    rows += [f"{7_000_001 + number}\t{7_000_101 + number}" for number in range(6)]
    rows += ["7000001", "7000001\t#N/A", f"{9 * 10**20}\t1e5", f"{cast.eli.pk}\t{cast.eli.pk}", "\t7"]
    text = "\n".join(["From User ID\tTo User ID\tFirst Name\tNote", *rows])
    client = signed_in(cast.ada)
    address = client.post(reverse("transfers:bulk"), {"pasted": text})["Location"]
    for query in ("", "?filter=all&rows=100", "?filter=cleared"):
        page = client.get(address + query).content.decode()
        said = re.sub(r'<a\s[^>]*id="errors-csv".*?</a>', "", page.split("<main")[1], flags=re.DOTALL)
        assert "Rows pasted" in said
        assert "rows pasted ·" in said
        assert not FILE_WORDS.search(said)
    (event,) = events("rows-pasted")
    assert sentence(event) == "Pasted 15 rows, 15 selected."
    overview = client.get(reverse("transfers:bulk"))
    assert "Pasted rows" in overview.content.decode()


def test_an_empty_box(cast: Cast) -> None:
    response = signed_in(cast.ada).post(reverse("transfers:bulk"), {"pasted": " \n"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Nothing was pasted." in page
    assert not FILE_WORDS.search(error_summary(page))
