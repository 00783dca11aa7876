"""The strip about an open transfer: on every page but the transfer's own, polled, and until it says how it ended."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures.cast import Cast, add_pair, signed_in, transfer
from tests.fixtures.html import one_line
from transfers.models import PairState, State, Transfer

POLLED = {"HX-Request": "true"}


def page_of(person: User) -> str:
    """Return a page that does not list transfers itself."""
    return one_line(signed_in(person).get("/help/").content.decode())


def polled(person: User, of: object = "") -> str:
    response = signed_in(person).get(reverse("transfers:running-strip"), {"of": of}, headers=POLLED)
    assert response.status_code == 200
    return one_line(response.content.decode())


def running(cast: Cast) -> Transfer:
    return transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)


def ended(cast: Cast) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.FINISHED_WITH_ERRORS)
    add_pair(made, 3, cast.cy, cast.di, state=PairState.FAILED, code="x", reason="y")
    return made


def test_every_page_shows_a_running_transfer_of_the_tenant(cast: Cast) -> None:
    made = running(cast)
    page = page_of(cast.ada)
    assert "Bulk transfer running: <strong>0 of 2</strong>" in page
    assert f'href="/transfers/{made.number}/"' in page
    assert "running:" not in page_of(cast.frida)


def test_its_own_page_has_no_strip(cast: Cast) -> None:
    made = running(cast)
    page = signed_in(cast.ada).get(f"/transfers/{made.number}/").content.decode()
    assert "Bulk transfer running" not in page


def test_without_access_it_shows_only_that_one_runs(cast: Cast) -> None:
    made = running(cast)
    for page in (page_of(cast.nina), polled(cast.nina, made.number)):
        assert "Bulk transfer running" in page
        assert "0 of 2" not in page
        assert f"/transfers/{made.number}/" not in page


def test_it_asks_again_and_follows_the_transfer(cast: Cast) -> None:
    made = running(cast)
    asks = f'hx-get="/transfers/running/?of={made.number}"'
    assert asks in page_of(cast.ada)
    made.pairs.filter(row_number=2).update(state=PairState.SUCCEEDED)
    answer = polled(cast.ada, made.number)
    assert "<strong>1 of 2</strong>" in answer
    assert asks in answer


def test_it_says_how_the_transfer_ended_and_asks_no_more(cast: Cast) -> None:
    made = ended(cast)
    answer = polled(cast.ada, made.number)
    assert f"Transfer {made.number} ended: 1 of 2 users transferred · 1 failed" in answer
    assert f'href="/transfers/{made.number}/"' in answer
    assert "hx-get" not in answer


def test_the_end_of_the_transfer_comes_before_the_start_of_another(cast: Cast) -> None:
    made = ended(cast)
    running(cast)
    assert f"Transfer {made.number} ended" in polled(cast.ada, made.number)


@pytest.mark.parametrize("of", ["", "x", "0", "9" * 30])
def test_nothing_runs_and_nothing_is_known_to_have_ended(cast: Cast, of: str) -> None:
    assert polled(cast.ada, of).strip() == ""


def test_an_ended_transfer_that_the_person_may_not_see(cast: Cast) -> None:
    made = ended(cast)
    assert polled(cast.nina, made.number).strip() == ""
    assert polled(cast.frida, made.number).strip() == ""


def test_its_address_in_the_browser_leads_to_the_start_page(cast: Cast) -> None:
    assert signed_in(cast.ada).get(reverse("transfers:running-strip")).url == "/transfer/"


def test_it_needs_one_query_and_none_for_signed_out_visitors(
    client: Client, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.get("/sign-in/")
    nina = signed_in(cast.nina)
    with CaptureQueriesContext(connection) as captured:
        nina.get("/help/")
    assert sum("transfers_transfer" in query["sql"] for query in captured.captured_queries) == 1
