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
from transfers.models import DraftRow, Kind, State, Transfer

Status = DraftRow.Status
FORMULA, THOUSANDS = "id-is-formula", "id-thousands-mark"


def post(
    user: User,
    made: Transfer,
    view: str,
    *problem: str,
    count: object = 2,
    query: str = "",
    follow: bool = False,
    **headers: Any,
) -> HttpResponse:
    address = reverse(f"transfers:{view}", args=[made.number, *problem])
    return signed_in(user).post(f"{address}{query}", {"count": count}, headers=headers or None, follow=follow)


def statuses(made: Transfer) -> list[str]:
    return list(made.rows.values_list("status", flat=True))


@pytest.fixture
def made(cast: Cast) -> Transfer:
    return upload(cast.ada, (cast.ana, "#N/A"), (cast.bo, "#N/A"), (cast.cy, cast.di), (cast.eli, '"1,2"'))


def test_an_action_is_offered_for_each_group(cast: Cast) -> None:
    made = upload(
        cast.ada, (cast.ana, "#N/A"), (cast.bo, "#N/A"), *((7, f'"1,00{n}"') for n in range(1, 4)), ("x", 1)
    )

    body = page(cast.ada, made)

    assert "Clear all 2 rows" in body
    assert "Use all 3<" in body
    assert body.count("preview-group") == 0
    assert body.count("/corrected/?") == 2, "the action and its address for htmx"


def test_clearing_without_scripts(cast: Cast, made: Transfer) -> None:
    response = post(
        cast.ada, made, "preview-group-cleared", FORMULA, query="?filter=error&rows=10", follow=True
    )

    expected = reverse("transfers:preview", args=[made.number]) + "?filter=error&rows=10"
    assert response.redirect_chain == [(expected, 302)]
    assert "2 rows cleared." in response.content.decode()
    assert statuses(made) == [Status.CLEARED, Status.CLEARED, Status.WARNING, Status.ERROR]
    assert AuditEvent.objects.filter(kind="row-cleared").count() == 2


def test_clearing_by_htmx_equals_the_reloaded_page(cast: Cast, made: Transfer) -> None:
    swapped = post(
        cast.ada, made, "preview-group-cleared", FORMULA, query="?filter=error", HX_Request="true"
    ).content.decode()

    assert "2 rows cleared. 1 row with warnings, 1 row with errors, 2 rows cleared." in one_line(swapped)
    loaded = page(cast.ada, made, filter="error")
    for line in swapped.splitlines():
        if not any(word in line for word in ("data-announce", "csrf", "autofocus")):
            assert one_line(line).strip() in loaded


def test_using_suggestions(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, '"1,234"'), (cast.bo, '"1,235"'))

    response = post(cast.ada, made, "preview-group-corrected", THOUSANDS, HX_Request="true")

    assert "2 suggestions used." in response.content.decode()
    assert list(made.rows.values_list("to_id", flat=True)) == [1234, 1235]


def test_restoring_all_cleared_rows(cast: Cast, made: Transfer) -> None:
    post(cast.ada, made, "preview-group-cleared", FORMULA)
    assert "Restore all 2 rows" in page(cast.ada, made, filter="cleared")

    post(cast.ada, made, "preview-rows-restored", HX_Request="true")

    assert Status.CLEARED not in statuses(made)


@pytest.mark.parametrize("count", ["3", "0", "", "x", "9" * 40, "-2"])
@pytest.mark.parametrize("headers", [{}, {"HX_Request": "true"}])
def test_another_number_of_rows_changes_nothing(
    cast: Cast, made: Transfer, count: str, headers: dict[str, str]
) -> None:
    before = statuses(made)

    response = post(
        cast.ada, made, "preview-group-cleared", FORMULA, count=count, follow=not headers, **headers
    )

    assert "Nothing was changed: the rows are no longer the ones that you saw." in response.content.decode()
    assert statuses(made) == before


def test_an_unknown_problem_changes_nothing(cast: Cast, made: Transfer) -> None:
    before = statuses(made)
    post(cast.ada, made, "preview-group-cleared", "no-such-problem")
    assert statuses(made) == before


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("preview-group-cleared", (FORMULA,)),
        ("preview-group-corrected", (THOUSANDS,)),
        ("preview-rows-restored", ()),
    ],
)
def test_who_may_change_rows(cast: Cast, made: Transfer, view: str, problem: tuple[str, ...]) -> None:
    before = statuses(made)
    assert post(cast.frida, made, view, *problem).status_code == 404
    assert post(cast.otto, made, view, *problem).status_code == 403
    assert (
        signed_in(cast.ada).get(reverse(f"transfers:{view}", args=[made.number, *problem])).status_code == 302
    )
    assert statuses(made) == before


def test_rows_of_a_running_transfer_do_not_change(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)

    response = post(cast.ada, running, "preview-group-cleared", FORMULA, HX_Request="true")

    assert response["HX-Redirect"] == reverse("transfers:transfer-detail", args=[running.number])
