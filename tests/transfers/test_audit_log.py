import csv
import io
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import actions
from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, User
from tests.accounts.managers import manager
from tests.transfers.cast import Cast, agent, signed_in, transfer
from transfers.audit import record
from transfers.audit_verification import verify


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


def test_whoever_is_refused_a_page_is_in_it(cast: Cast) -> None:
    get(cast.otto)

    assert told(cast.ada, kind="denied") == [
        "Was refused a page: /audit/ This needs the permission: See the audit log."
    ]
    assert "Otto Operator" in get(cast.ada, kind="denied").content.decode()


def test_as_many_queries_for_fifty_as_for_one(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(50):
        record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    client = signed_in(cast.vera)

    with django_assert_max_num_queries(12):
        assert len(client.get(reverse("transfers:audit-log"), {"rows": 50}).context["entries"]) == 50


def rows_of(response: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def download(user: User, /, **query: Any) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:audit-download"), query)


def test_the_download_has_the_filtered_events_and_is_itself_one(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1")
    record("users-exported", tenant_id=cast.abacus.pk, by=cast.ada, users=12)
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)

    (row,) = rows_of(download(cast.vera, kind="signed-in"))

    assert (row["Person"], row["What"], row["Address"]) == ("Ada Admin", "Signed in.", "127.0.0.1")
    assert told(cast.vera)[0] == "Downloaded 1 events of the audit log."
    assert [r["Kind"] for r in rows_of(download(cast.vera))] == [
        "audit-log-downloaded",
        "users-exported",
        "signed-in",
    ]


def test_no_cell_of_the_download_is_a_formula(cast: Cast) -> None:
    User.objects.filter(pk=cast.ada.pk).update(first_name="=1+1", last_name="")
    record("signed-in", tenant_id=cast.abacus.pk, by=User.objects.get(pk=cast.ada.pk))

    assert rows_of(download(cast.vera))[0]["Person"] == "'=1+1"


def test_the_download_needs_the_permission(cast: Cast) -> None:
    assert download(cast.otto).status_code == 403


def test_a_narrow_view_downloads_what_it_sees(cast: Cast) -> None:
    role = Role.objects.create(tenant=cast.abacus, name="Reader", permissions=["see_audit"])
    RoleAssignment.objects.create(role=role, user=cast.otto)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ana)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.eli)

    assert [row["Person"] for row in rows_of(download(cast.otto))] == ["Ana Díaz"]


def test_the_page_says_what_is_sealed_and_verified(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    page = get(cast.vera).content.decode()
    assert "Nothing is sealed yet." in page
    assert "1 event waits for the next seal." in page
    assert "Not verified yet" in page

    verify(cast.abacus.pk)

    page = get(cast.vera).content.decode()
    assert "in 1 seal." in page
    assert "UTC: Nothing was changed." in page


def test_ids_that_lead_nowhere_are_recorded_alike_and_pages_that_ask_by_themselves_are_not(
    cast: Cast,
) -> None:
    foreign = transfer(cast.frida, (cast.frida, agent(cast.support, "Fay Foreign")))
    otto = signed_in(cast.otto)
    for number in (foreign.pk, 999_999):
        assert otto.get(f"/transfers/{number}/").status_code == 404
        assert otto.get(f"/transfers/{number}/progress/").status_code == 404
    assert told(cast.ada, kind="denied") == [
        f"Was refused a page: /transfers/{number}/ No such transfer." for number in (999_999, foreign.pk)
    ]
    assert "Was refused" not in get(cast.frida, kind="denied").content.decode()


def test_a_deleted_view_tells_those_who_see_less_how_many_and_not_who(cast: Cast) -> None:
    """The record holds everybody; who sees everybody reads everybody."""
    mia = manager(cast)
    RoleAssignment.objects.create(user=mia, role=cast.vera.roles.get())
    view = AccessView.objects.create(tenant=cast.abacus, name="Empty")
    for user in (cast.ana, cast.eli, cast.otto):
        AccessViewAssignment.objects.create(view=view, user=user)
    actions.delete_view(by=mia, view_id=view.pk)

    (said, *_) = told(mia)
    assert f"People: taken away 2 out of your view, Ana Díaz ({cast.ana.pk})." in said
    page, file = get(mia).content.decode(), downloaded(mia)
    for text in (page, file):
        assert "Ana Díaz" in text
        assert "Eli" not in text
        assert "Otto" not in text
        assert str(cast.eli.pk) not in re.findall(r"\((\d+)\)", text)
    assert f"Eli Sales ({cast.eli.pk})" in " ".join(told(cast.vera))
    assert f"Otto Operator ({cast.otto.pk})" in downloaded(cast.vera)


def test_a_deleted_view_of_nobody_in_sight_is_a_number(cast: Cast) -> None:
    mia = manager(cast)
    RoleAssignment.objects.create(user=mia, role=cast.vera.roles.get())
    view = AccessView.objects.create(tenant=cast.abacus, name="Empty")
    AccessViewAssignment.objects.create(view=view, user=cast.eli)
    actions.delete_view(by=mia, view_id=view.pk)
    assert "People: taken away 1 out of your view." in told(mia)[0]


def downloaded(user: User) -> str:
    answer: Any = signed_in(user).get(reverse("transfers:audit-download"))
    return b"".join(answer.streaming_content).decode()
