"""Error pages: their text and status codes, and that they render without a database."""

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InternalError, OperationalError, connection, transaction
from django.http import HttpResponse
from django.template import loader
from django.test import Client, RequestFactory

from accounts.signing_in.views import bad_request, server_error

PAGES = ("400", "403", "403_csrf", "404", "413", "429", "500", "503")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_renders_without_a_request_and_links_home(page: str) -> None:
    html = loader.render_to_string(f"{page}.html")
    assert "<h1>" in html
    assert 'href="/"' in html
    for word in ("invalid", "illegal", "oops"):
        assert word not in html.lower()


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("404",)])
def test_each_page_states_that_nothing_changed(page: str) -> None:
    html = loader.render_to_string(f"{page}.html")
    assert "Nothing was" in html


def test_a_form_without_its_token(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


@pytest.mark.parametrize(("refused", "status"), [(RequestDataTooBig(), 413), (SuspiciousOperation(), 400)])
def test_too_large_and_unreadable_requests_get_different_pages(refused: Exception, status: int) -> None:
    assert bad_request(RequestFactory().get("/"), refused).status_code == status


def test_an_unavailable_database_gives_503() -> None:
    answer = answer_to(OperationalError("connection refused"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b'http-equiv="refresh"' in answer.content


@pytest.mark.django_db
def test_a_read_only_database_gives_503() -> None:
    """The database is read-only after a failover, until the site connects to the new primary."""
    with pytest.raises(InternalError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY; CREATE TABLE nothing ()")
    assert answer_to(refused.value).status_code == 503


def test_anything_else_is_a_server_error() -> None:
    assert answer_to(ValueError()).status_code == 500


def answer_to(error: Exception) -> HttpResponse:
    try:
        raise error
    except Exception:
        return server_error(RequestFactory().get("/"))
