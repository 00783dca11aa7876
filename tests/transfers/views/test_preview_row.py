from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from tests.transfers.views.test_preview import page
from transfers import actions
from transfers.models import DraftRow, Kind, State, Transfer

Status = DraftRow.Status


def post(
    user: User,
    made: Transfer,
    number: int,
    data: dict[str, str] | None = None,
    query: str = "",
    view: str = "preview-row",
    **headers: Any,
) -> HttpResponse:
    address = reverse(f"transfers:{view}", args=[made.number, number])
    return signed_in(user).post(f"{address}{query}", data, headers=headers or None)


def statuses(made: Transfer) -> list[str]:
    return list(made.rows.values_list("status", flat=True))


def test_a_fix_without_scripts_redirects_to_the_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777))

    response = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, "?page=1&rows=10")

    expected = reverse("transfers:preview", args=[made.number]) + "?page=1&rows=10#row-2"
    assert (response.status_code, response["Location"]) == (302, expected)
    assert made.rows.get().to_id == cast.bo.pk
    assert statuses(made) != [Status.ERROR]


def test_a_fix_by_htmx_equals_the_reloaded_page(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, cast.di))

    swapped = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, HX_Request="true")

    assert swapped.status_code == 200
    loaded = page(cast.ada, made)
    for line in swapped.content.decode().splitlines():
        if "data-announce" not in line and "csrf" not in line:
            assert one_line(line).strip() in loaded
    assert "data-announce" in swapped.content.decode()


def test_a_fix_can_resolve_an_error_in_another_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.bo))
    assert statuses(made) == [Status.ERROR, Status.ERROR]

    post(cast.ada, made, 3, {"to_text": str(cast.di.pk)})

    assert Status.ERROR not in statuses(made)


def test_a_fix_can_cause_an_error_in_another_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))

    post(cast.ada, made, 3, {"to_text": str(cast.bo.pk)})

    assert statuses(made) == [Status.ERROR, Status.ERROR]


def test_a_fixed_row_stays_in_the_filtered_list(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, 7000778))

    response = post(cast.ada, made, 2, {"to_text": str(cast.bo.pk)}, "?filter=error", HX_Request="true")

    assert [line.row.number for line in response.context["lines"]] == [2, 3]


def test_a_wrong_from_user_id_can_be_fixed(cast: Cast) -> None:
    made = upload(cast.ada, ("", cast.bo))
    assert 'name="from_text"' in page(cast.ada, made)

    post(cast.ada, made, 2, {"from_text": str(cast.ana.pk)})

    row = made.rows.get()
    assert (row.from_id, row.to_id) == (cast.ana.pk, cast.bo.pk)
    assert 'name="from_text"' not in page(cast.ada, made)


def test_a_suggestion_is_offered(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, "1.234"))

    assert "Use 1234" in page(cast.ada, made)


def test_a_cleared_row_is_no_longer_selected(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, cast.di))

    response = post(cast.ada, made, 2, view="preview-row-cleared", HX_Request="true")

    assert [line.row.number for line in response.context["lines"]] == [3]
    assert "1 row cleared" in response.content.decode()
    assert "autofocus" in response.content.decode()
    assert AuditEvent.objects.filter(kind="row-cleared").count() == 1
    assert post(cast.ada, made, 2, view="preview-row-cleared").status_code == 302
    assert AuditEvent.objects.filter(kind="row-cleared").count() == 1


def test_clearing_the_last_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777))

    response = post(cast.ada, made, 2, view="preview-row-cleared", HX_Request="true")

    assert response.status_code == 200
    assert "No users are selected." in response.content.decode()


@pytest.mark.parametrize(
    "text", ["", "\0", "a\0" * 300, "9" * 500, "=A1", "<script>alert(1)</script>", "１９", "\u202e19", "19.5"]
)
def test_odd_texts(cast: Cast, text: str) -> None:
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


def test_who_may_change_a_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert post(cast.frida, made, 2, view="preview-row-cleared").status_code == 404
    assert post(cast.otto, made, 2, view="preview-row-cleared").status_code == 403
    address = reverse("transfers:preview-row", args=[made.number, 2])
    assert signed_in(cast.ada).get(address).status_code == 302


def test_a_draft_discarded_during_the_request_leads_to_the_bulk_page(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    monkeypatch.setattr(actions, "check_again", actions.discard)

    response = post(cast.ada, made, 2, view="preview-row-check", HX_Request="true")

    assert response["HX-Redirect"] == reverse("transfers:bulk")


def test_a_row_of_a_running_transfer_does_not_change(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)

    response = post(cast.ada, made, 2, {"to_text": "1"}, HX_Request="true")

    assert response["HX-Redirect"] == reverse("transfers:transfer-detail", args=[made.number])


def test_a_cleared_row_is_listed_and_can_be_restored(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))
    post(cast.ada, made, 3, view="preview-row-cleared")
    assert 'id="row-3"' not in page(cast.ada, made)
    listed = page(cast.ada, made, filter="cleared")
    assert "Restore row" in listed
    assert 'id="row-2"' not in listed

    swapped = post(cast.ada, made, 3, query="?filter=cleared", view="preview-row-restored", HX_Request="true")

    assert statuses(made)[1] == Status.ERROR
    assert 'id="row-3"' in swapped.content.decode(), "the row stays listed after it was restored"
    assert AuditEvent.objects.filter(kind="row-restored").count() == 1


def test_a_selected_row_cannot_be_restored(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    before = statuses(made)
    post(cast.ada, made, 2, view="preview-row-restored")
    assert statuses(made) == before
    assert not AuditEvent.objects.filter(kind="row-restored").exists()


def test_a_row_can_be_restored_when_all_are_cleared(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    post(cast.ada, made, 2, view="preview-row-cleared")
    assert "Restore row" in page(cast.ada, made, filter="cleared")
