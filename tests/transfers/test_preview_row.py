from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import User
from tests.transfers.cast import Cast, signed_in, transfer
from tests.transfers.running import upload
from tests.transfers.test_preview import page
from transfers.models import AuditEvent, DraftRow, Kind, State, Transfer

Status = DraftRow.Status


def post(
    user: User, made: Transfer, number: int, data: dict[str, str], query: str = "", **headers: Any
) -> HttpResponse:
    address = reverse("transfers:preview-row", args=[made.pk, number])
    return signed_in(user).post(f"{address}{query}", data, headers=headers or None)


def statuses(made: Transfer) -> list[str]:
    return list(made.rows.values_list("status", flat=True))


def test_fix_by_a_plain_form_leads_back_to_the_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777))

    response = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, "?page=1&rows=10")

    expected = reverse("transfers:preview", args=[made.pk]) + "?page=1&rows=10#row-2"
    assert (response.status_code, response["Location"]) == (302, expected)
    assert made.rows.get().to_id == cast.bo.pk
    assert statuses(made) != [Status.ERROR]


def test_fix_by_htmx_shows_the_same_as_the_page_loaded_anew(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, cast.di))

    swapped = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, HX_Request="true")

    assert swapped.status_code == 200
    loaded = page(cast.ada, made)
    for line in swapped.content.decode().splitlines():
        if "data-announce" not in line and "csrf" not in line:
            assert line.strip() in loaded
    assert "data-announce" in swapped.content.decode()


def test_fix_in_one_row_clears_another(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.bo))
    assert statuses(made) == [Status.ERROR, Status.ERROR]

    post(cast.ada, made, 3, {"to_text": str(cast.di.pk)})

    assert Status.ERROR not in statuses(made)


def test_fix_can_make_another_row_wrong(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))

    post(cast.ada, made, 3, {"to_text": str(cast.bo.pk)})

    assert statuses(made) == [Status.ERROR, Status.ERROR]


def test_row_stays_in_the_list_it_was_worked_on_in(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, 7000778))

    response = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, "?filter=error", HX_Request="true")

    assert [line.row.number for line in response.context["lines"]] == [2, 3]


def test_from_user_id_can_be_put_right_where_it_is_wrong(cast: Cast) -> None:
    made = upload(cast.ada, ("", cast.bo))
    assert 'name="from_text"' in page(cast.ada, made)

    post(cast.ada, made, 2, {"from_text": str(cast.ana.pk)})

    row = made.rows.get()
    assert (row.from_id, row.to_id) == (cast.ana.pk, cast.bo.pk)
    assert 'name="from_text"' not in page(cast.ada, made)


def test_suggestion_can_be_taken_over(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, "1.234"))

    assert "Use 1234" in page(cast.ada, made)


def test_cleared_row_is_not_selected_any_more(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, cast.di))

    response = post(cast.ada, made, 2, {"clear": "1"}, HX_Request="true")

    assert [line.row.number for line in response.context["lines"]] == [3]
    assert "1 cleared" in response.content.decode()
    assert "autofocus" in response.content.decode()
    assert AuditEvent.objects.filter(kind="row-cleared").count() == 1
    assert post(cast.ada, made, 2, {"clear": "1"}).status_code == 302  # sent twice
    assert AuditEvent.objects.filter(kind="row-cleared").count() == 1


def test_last_row_cleared(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777))

    response = post(cast.ada, made, 2, {"clear": "1"}, HX_Request="true")

    assert response.status_code == 200
    assert "No users are selected." in response.content.decode()


@pytest.mark.parametrize(
    "text", ["", "\0", "a\0" * 300, "9" * 500, "=A1", "<script>alert(1)</script>", "１９", "\u202e19", "19.5"]
)
def test_whatever_is_typed(cast: Cast, text: str) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    for field in ("to_text", "from_text"):
        response = post(cast.ada, made, 2, {field: text}, HX_Request="true")

        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert statuses(made) == [Status.ERROR]


@pytest.mark.parametrize("number", [0, 3, 2**31, 10**30])
def test_unknown_row_is_not_found(cast: Cast, number: int) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert post(cast.ada, made, number, {"to_text": "1"}).status_code == 404


def test_empty_post_changes_nothing(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert post(cast.ada, made, 2, {}).status_code == 302
    assert made.rows.get().to_id == cast.bo.pk


def test_who_may_work_on_a_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert post(cast.frida, made, 2, {"clear": "1"}).status_code == 404
    assert post(cast.otto, made, 2, {"clear": "1"}).status_code == 403
    address = reverse("transfers:preview-row", args=[made.pk, 2])
    assert signed_in(cast.ada).get(address).status_code == 405


def test_row_of_a_transfer_that_runs_stays_as_it_is(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)

    response = post(cast.ada, made, 2, {"to_text": "1"}, HX_Request="true")

    assert response["HX-Redirect"] == reverse("transfers:transfer-detail", args=[made.pk])


def test_cleared_row_is_listed_and_taken_back(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))
    post(cast.ada, made, 3, {"clear": "1"})
    assert 'id="row-3"' not in page(cast.ada, made)
    listed = page(cast.ada, made, filter="cleared")
    assert "Take back row" in listed
    assert 'id="row-2"' not in listed

    swapped = post(cast.ada, made, 3, {"restore": "1"}, "?filter=cleared", HX_Request="true")

    assert statuses(made)[1] == Status.ERROR
    assert 'id="row-3"' in swapped.content.decode(), "it does not vanish under the hands"
    assert AuditEvent.objects.filter(kind="row-restored").count() == 1


def test_row_that_is_selected_cannot_be_taken_back(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    before = statuses(made)
    post(cast.ada, made, 2, {"restore": "1"})
    assert statuses(made) == before
    assert not AuditEvent.objects.filter(kind="row-restored").exists()


def test_all_rows_cleared_can_still_be_taken_back(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    post(cast.ada, made, 2, {"clear": "1"})
    assert "Take back row" in page(cast.ada, made, filter="cleared")
