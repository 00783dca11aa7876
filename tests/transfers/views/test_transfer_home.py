"""The start page and the layout around every page, and which parts of them each person sees."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from tests.fixtures.cast import Cast, draft, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.undoing import prepare
from transfers.models import DraftRow, PairState, State, Transfer
from transfers.results.undo_deadline import permanence

SINGLE = "Single (Transfer data from one user to another)"
BULK = "Bulk (Perform multiple data transfers at one time via a CSV upload)"
WHY_NOT = "Not available: you need the permission"


def home_of(person: User) -> str:
    return one_line(signed_in(person).get("/transfer/").content.decode())


def test_signed_out_visitors_are_redirected_to_sign_in(client: Client, cast: Cast) -> None:
    assert client.get("/transfer/").url == "/sign-in/?next=/transfer/"


def test_it_says_that_a_transfer_is_permanent_and_offers_both_kinds(cast: Cast) -> None:
    page = home_of(cast.ada)
    assert permanence(cast.ada) in page
    for name, address in ((SINGLE, "/transfer/single/"), (BULK, "/transfer/bulk/")):
        assert name in page
        assert f'href="{address}"' in page
    assert WHY_NOT not in page


def test_a_kind_without_permission_is_shown_with_the_reason(cast: Cast) -> None:
    page = home_of(cast.otto)
    assert BULK in page
    assert f"{WHY_NOT} “Transfer data in bulk”." in page
    assert 'href="/transfer/bulk/"' not in page


@pytest.mark.parametrize(
    ("who", "pages"),
    [
        ("ada", ["User Data Transfer", "Transfers", "Audit log", "Help"]),
        ("otto", ["User Data Transfer", "Transfers", "Help"]),
        ("vera", ["Transfers", "Audit log", "Help"]),
        ("nina", ["Help"]),
    ],
)
def test_the_navigation_has_only_pages_the_person_may_open(cast: Cast, who: str, pages: list[str]) -> None:
    answer = signed_in(getattr(cast, who)).get("/help/")
    nav = answer.content.decode().split('aria-label="Main">')[1].split("</nav>")[0]
    assert [line.split(">")[-2].removesuffix("</a") for line in nav.split("</li>")[:-1]] == pages


def test_no_inline_script_and_no_inline_style(cast: Cast) -> None:
    page = home_of(cast.ada)
    assert "style=" not in page
    assert "<style" not in page
    assert all("src=" in tag for tag in page.split("<script")[1:])


def test_an_unknown_url(cast: Cast) -> None:
    answer = signed_in(cast.ada).get("/nothing/here/")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_a_missing_permission_is_named(cast: Cast) -> None:
    answer = signed_in(cast.vera).get("/transfer/single/")
    assert answer.status_code == 403
    assert "This needs the permission: Transfer one user&#x27;s data." in answer.content.decode()


def test_people_who_may_only_see_transfers_come_to_their_list(cast: Cast) -> None:
    assert signed_in(cast.vera).get("/transfer/").url == "/transfers/"
    assert signed_in(cast.nina).get("/transfer/").status_code == 200


def test_unfinished_previews_and_the_latest_transfers(cast: Cast) -> None:
    unfinished = draft(cast.ada, file_name="spring.csv")
    done = [transfer(cast.ada, (cast.ana, cast.bo)) for _ in range(6)]
    page = home_of(cast.ada)
    assert "spring.csv" in page
    assert f'href="/transfer/bulk/{unfinished.number}/"' in page
    shown = [made.pk for made in done if f'href="/transfers/{made.number}/"' in page]
    assert shown == [made.pk for made in done[1:]]
    assert "Succeeded" in page
    assert "Who is who" not in page
    assert "spring.csv" not in home_of(cast.otto)


def test_the_unfinished_preview_of_an_undo(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    undo = prepare(cast.ada, made)
    page = home_of(cast.ada)
    assert f"Undo of transfer {made.number}" in page
    assert f'href="/transfer/undo/{undo.number}/"' in page
    assert f'action="/transfer/undo/{undo.number}/discard/"' in page
    assert "hx-post" not in page.split(f'action="/transfer/undo/{undo.number}/discard/"')[1].split(">")[0]
    assert "Unfinished previews" not in one_line(signed_in(cast.ada).get("/transfer/bulk/").content.decode())


def test_what_runs_is_listed_with_its_progress_and_has_no_strip(cast: Cast) -> None:
    done = transfer(cast.ada, (cast.ana, cast.bo))
    running = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    running.pairs.filter(source=cast.ana).update(state=PairState.SUCCEEDED)
    page = home_of(cast.ada)
    assert page.index("Running now") < page.index(f'href="/transfers/{running.number}/"')
    assert page.index(f'href="/transfers/{running.number}/"') < page.index("Latest transfers")
    assert page.index("Latest transfers") < page.index(f'href="/transfers/{done.number}/"')
    assert "1 of 2 done" in page
    assert 'hx-get="/transfer/now/"' in page
    assert 'id="running"' not in page
    assert 'id="running"' in one_line(signed_in(cast.ada).get("/help/").content.decode())


def test_a_run_out_of_view_is_in_the_strip_only(cast: Cast) -> None:
    transfer(cast.ada, (cast.cy, cast.eli), state=State.RUNNING)
    page = home_of(cast.otto)
    assert "Running now" not in page
    assert 'id="running"' in page


def test_the_work_list_is_polled_until_nothing_runs(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    ada, htmx = signed_in(cast.ada), {"HX-Request": "true"}
    assert "every 5s" in ada.get("/transfer/now/", headers=htmx).content.decode()
    Transfer.objects.filter(pk=running.pk).update(state=State.SUCCEEDED, finished_at=timezone.now())
    part = ada.get("/transfer/now/", headers=htmx).content.decode()
    assert "hx-trigger" not in part
    assert "Succeeded" in part
    assert ada.get("/transfer/now/").url == "/transfer/"


def test_drafts_say_how_many_errors_they_have(cast: Cast) -> None:
    row = {"from_id": cast.ana.pk, "to_id": cast.bo.pk}
    draft(
        cast.ada,
        {"number": 2, "status": DraftRow.Status.ERROR, **row},
        {"number": 3, "status": DraftRow.Status.READY, **row},
    )
    page = home_of(cast.ada)
    assert "2 users" in page
    assert ">1 error<" in page


def test_the_number_of_queries_is_constant(cast: Cast) -> None:
    client, counts = signed_in(cast.ada), []
    for _ in range(2):
        for _ in range(3):
            draft(cast.ada)
            transfer(cast.ada, (cast.ana, cast.bo))
        with CaptureQueriesContext(connection) as queries:
            client.get("/transfer/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_before_the_first_transfer_it_says_who_is_who(cast: Cast) -> None:
    page = home_of(cast.ada)
    assert "Who is who" in page
    assert "Latest transfers" not in page
