from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.transfers.cast import Cast, signed_in, transfer
from transfers.audit import record


def get(user: User, /, **query: Any) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:audit-log"), query)


def told(user: User, /, **query: Any) -> list[str]:
    response = get(user, **query)
    assert response.status_code == 200
    return [entry.sentence for entry in response.context["entries"]]


def test_newest_first_in_sentences(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1")
    record("users-exported", tenant_id=cast.abacus.pk, by=cast.ada, users=12)
    record("users-exported", tenant_id=cast.foreign.pk, by=cast.frida, users=1)

    assert told(cast.vera) == ["Exported people.csv with 12 users.", "Signed in."]
    assert told(cast.frida) == ["Exported people.csv with 1 users."]
    assert "127.0.0.1" in get(cast.vera).content.decode()


def test_filters(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    record("transfer-started", tenant_id=cast.abacus.pk, transfer_id=made.pk)

    assert told(cast.vera, kind="signed-in") == ["Signed in."]
    assert told(cast.vera, person="ada") == ["Signed in."]
    assert told(cast.vera, person=str(cast.ada.pk)) == ["Signed in."]
    assert told(cast.vera, transfer=str(made.pk)) == ["The transfer started."]
    assert told(cast.vera, until="2000-01-01") == []
    assert "No event matches these filters" in get(cast.vera, kind="denied").content.decode()


def test_only_transfers_one_may_open_are_links(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    record("transfer-started", tenant_id=cast.abacus.pk, transfer_id=made.pk)
    record("draft-discarded", tenant_id=cast.abacus.pk, transfer_id=made.pk + 1000, by=cast.ada)

    page = get(cast.vera).content.decode()

    assert reverse("transfers:transfer-detail", args=[made.pk]) in page
    assert reverse("transfers:transfer-detail", args=[made.pk + 1000]) not in page


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-5", "rows": "1000000"},
        {"kind": "nonsense", "person": "\0"},
        {"transfer": "9" * 40},
        {"transfer": "1e400", "person": "9" * 300},
        {"transfer": "-1.5", "since": "31.12.2026"},
    ],
)
def test_whatever_stands_in_the_address(cast: Cast, query: dict[str, str]) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)

    assert get(cast.vera, **query).status_code == 200


def test_names_are_shown_as_text(cast: Cast) -> None:
    record("users-exported", tenant_id=cast.abacus.pk, by=cast.ada, users="<script>alert(1)</script>")

    assert b"<script>alert" not in get(cast.vera).content


def test_it_needs_the_permission(cast: Cast) -> None:
    response = get(cast.otto)

    assert response.status_code == 403
    assert "See the audit log" in response.content.decode()


def test_as_many_queries_for_fifty_as_for_one(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(50):
        record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    client = signed_in(cast.vera)

    with django_assert_max_num_queries(9):
        assert len(client.get(reverse("transfers:audit-log"), {"rows": 50}).context["entries"]) == 50
