"""The door of the product, the shell around every page, and who sees which part of it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.transfers.cast import Cast, signed_in, transfer
from transfers.models import State

SINGLE = "Single (Transfer data from one user to another)"
BULK = "Bulk (Perform multiple data transfers at one time via a CSV upload)"
WHY_NOT = "Not available to you: it needs the permission"


def home_of(person: User) -> str:
    return signed_in(person).get("/transfer/").content.decode()


def test_strangers_are_led_to_the_sign_in(client: Client, cast: Cast) -> None:
    assert client.get("/transfer/").url == "/sign-in/?next=/transfer/"


def test_it_says_that_it_cannot_be_undone_and_offers_both_ways(cast: Cast) -> None:
    page = home_of(cast.ada)
    assert "Transferring user data is permanent and cannot be undone." in page
    for name, address in ((SINGLE, "/transfer/single/"), (BULK, "/transfer/bulk/")):
        assert name in page
        assert f'href="{address}"' in page
    assert WHY_NOT not in page


def test_a_way_that_is_not_permitted_is_shown_with_the_reason(cast: Cast) -> None:
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
def test_the_navigation_names_only_what_one_may_open(cast: Cast, who: str, pages: list[str]) -> None:
    answer = signed_in(getattr(cast, who)).get("/transfer/")
    nav = answer.content.decode().split('aria-label="Main">')[1].split("</nav>")[0]
    assert [line.split(">")[-2].removesuffix("</a") for line in nav.split("</li>")[:-1]] == pages


def test_a_running_transfer_of_the_tenant_is_on_every_page(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    page = home_of(cast.ada)
    assert "Bulk transfer running: <strong>0 of 2</strong>" in page
    assert f'href="/transfers/{running.pk}/"' in page
    assert "running:" not in home_of(cast.frida)


def test_who_may_not_see_the_transfer_sees_that_one_runs_and_nothing_else(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    page = home_of(cast.nina)
    assert "Bulk transfer running" in page
    assert "0 of 2" not in page
    assert f"/transfers/{running.pk}/" not in page


def test_no_inline_script_and_no_inline_style(cast: Cast) -> None:
    page = home_of(cast.ada)
    assert "style=" not in page
    assert "<style" not in page
    assert all("src=" in tag for tag in page.split("<script")[1:])


def test_an_address_that_does_not_exist(cast: Cast) -> None:
    answer = signed_in(cast.ada).get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_a_missing_permission_is_named(cast: Cast) -> None:
    answer = signed_in(cast.vera).get("/transfer/single/")
    assert answer.status_code == 403
    assert "This needs the permission: Transfer one user&#x27;s data." in answer.content.decode()


def test_the_strip_costs_one_query_and_strangers_none(
    client: Client, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.get("/sign-in/")
    nina = signed_in(cast.nina)
    with CaptureQueriesContext(connection) as captured:
        nina.get("/transfer/")
    assert sum("transfers_transfer" in query["sql"] for query in captured.captured_queries) == 1
