import csv
import io
import re
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AccessView, AccessViewAssignment, Role, RoleAssignment, User
from accounts.people import actions
from audit.kind_names import KIND_CHOICES, NAMES
from audit.log import KINDS, record
from audit.verification import verify
from tests.fixtures.cast import Cast, agent, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.managers import manager
from transfers.models import Transfer


def get(user: User, /, **query: Any) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:audit-log"), query)


def sentences(user: User, /, **query: Any) -> list[str]:
    response = get(user, **query)
    assert response.status_code == 200
    return [entry.sentence for entry in response.context["entries"]]


def test_newest_first_in_sentences(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1")
    record("users-exported", tenant_id=cast.abacus.pk, by=cast.ada, users=12)
    record("users-exported", tenant_id=cast.foreign.pk, by=cast.frida, users=1)

    assert sentences(cast.vera) == ["Exported people.csv with 12 users.", "Signed in."]
    assert sentences(cast.frida) == ["Exported people.csv with 1 user."]
    assert "127.0.0.1" in get(cast.vera).content.decode()


def test_filters(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    record("transfer-started", tenant_id=cast.abacus.pk, transfer_number=made.number)

    assert sentences(cast.vera, kind="signed-in") == ["Signed in."]
    assert sentences(cast.vera, person="ada") == ["Signed in."]
    assert sentences(cast.vera, person=str(cast.ada.pk)) == ["Signed in."]
    assert sentences(cast.vera, transfer=str(made.number)) == ["The transfer started."]
    assert sentences(cast.vera, until="2000-01-01") == []
    assert "No event matches these filters" in get(cast.vera, kind="denied").content.decode()


def test_only_transfers_the_person_may_open_are_links(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    record("transfer-started", tenant_id=cast.abacus.pk, transfer_number=made.number)
    record("draft-discarded", tenant_id=cast.abacus.pk, transfer_number=made.number + 1000, by=cast.ada)

    page = one_line(get(cast.vera).content.decode())

    assert reverse("transfers:transfer-detail", args=[made.number]) in page
    assert reverse("transfers:transfer-detail", args=[made.number + 1000]) not in page


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
def test_odd_queries(cast: Cast, query: dict[str, str]) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)

    assert get(cast.vera, **query).status_code == 200


def test_names_are_shown_as_text(cast: Cast) -> None:
    record("denied", tenant_id=cast.abacus.pk, by=cast.ada, reason="<script>alert(1)</script>")

    assert b"<script>alert" not in get(cast.vera).content


def test_it_needs_the_permission(cast: Cast) -> None:
    response = get(cast.otto)

    assert response.status_code == 403
    assert "See the audit log" in response.content.decode()


def test_denied_requests_are_recorded(cast: Cast) -> None:
    get(cast.otto)

    assert sentences(cast.ada, kind="denied") == [
        "Was denied access: /audit/ This needs the permission: See the audit log."
    ]
    assert "Otto Operator" in get(cast.ada, kind="denied").content.decode()


def test_50_events_need_as_many_queries_as_1(
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


def test_the_download_has_the_filtered_events_and_is_recorded(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada, address="127.0.0.1")
    record("users-exported", tenant_id=cast.abacus.pk, by=cast.ada, users=12)
    record("signed-in", tenant_id=cast.foreign.pk, by=cast.frida)

    (row,) = rows_of(download(cast.vera, kind="signed-in"))

    assert (row["Person"], row["What"], row["Address"]) == ("Ada Admin", "Signed in.", "127.0.0.1")
    assert sentences(cast.vera)[0] == "Downloaded 1 event from the audit log."
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


def test_the_page_shows_what_is_sealed_and_verified(cast: Cast) -> None:
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)
    page = one_line(get(cast.vera).content.decode())
    assert "1 event is not protected yet." in page
    assert "Not verified yet" in page

    verify(cast.abacus.pk)

    page = one_line(get(cast.vera).content.decode())
    assert "Protected against changes up to" in page
    assert "Verified today" in page
    assert "UTC: Nothing was changed." in page


def test_a_change_that_verification_found_is_not_folded_away(cast: Cast) -> None:
    record("audit-verified", tenant_id=cast.abacus.pk, events=2, seals=1, result="Event 1 was changed.")
    page = one_line(get(cast.vera).content.decode())
    above = page.split('id="list"')[0]
    assert "The last verification found changes to the audit log." in above
    assert "Event 1 was changed." in above


def transferred(cast: Cast, count: int) -> Transfer:
    """Record the events of a transfer that moved the data of `count` users."""
    made = transfer(cast.ada, (cast.ana, cast.bo))
    for kind in ("transfer-started", *["pair-succeeded"] * count):
        names = {"source_name": "Ana", "source_id": 1, "target_name": "Bo", "target_id": 2}
        details = names if kind == "pair-succeeded" else {}
        record(kind, tenant_id=cast.abacus.pk, transfer_number=made.number, **details)
    return made


def test_the_users_transferred_by_a_run_share_a_line(cast: Cast) -> None:
    first, second = transferred(cast, 12), transferred(cast, 1)
    record("signed-in", tenant_id=cast.abacus.pk, by=cast.ada)

    entries = get(cast.vera).context["entries"]
    assert [(entry.event.kind, entry.event.transfer_number, entry.count) for entry in entries] == [
        ("signed-in", None, 1),
        ("pair-succeeded", second.number, 1),
        ("transfer-started", second.number, 1),
        ("pair-succeeded", first.number, 12),
        ("transfer-started", first.number, 1),
    ]
    assert len(entries[3].sentences) == 10
    page = one_line(get(cast.vera).content.decode())
    assert "12 users transferred" in page
    assert f'href="?kind=pair-succeeded&amp;transfer={first.number}"' in page
    assert "All 12" in page


def test_each_user_transferred_has_a_line_if_the_kind_is_chosen_and_in_the_download(cast: Cast) -> None:
    made = transferred(cast, 12)
    listed = get(cast.vera, kind="pair-succeeded", transfer=made.number).context["entries"]
    assert [entry.count for entry in listed] == [1] * 12
    assert [row["Kind"] for row in rows_of(download(cast.vera))].count("pair-succeeded") == 12


def test_grouping_needs_as_many_queries_for_20_runs_as_for_1(cast: Cast) -> None:
    client, counts = signed_in(cast.vera), []
    for runs in (1, 19):
        for _ in range(runs):
            transferred(cast, 3)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("transfers:audit-log"), {"rows": 100})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_unknown_ids_are_recorded_and_polling_is_not(
    cast: Cast,
) -> None:
    foreign = transfer(cast.frida, (cast.frida, agent(cast.support, "Fay Foreign")))
    otto = signed_in(cast.otto)
    for number in (foreign.pk, 999_999):
        assert otto.get(f"/transfers/{number}/").status_code == 404
        assert otto.get(f"/transfers/{number}/progress/").status_code == 404
    assert sentences(cast.ada, kind="denied") == [
        f"Was denied access: /transfers/{number}/ No such transfer." for number in (999_999, foreign.pk)
    ]
    assert "Was denied" not in get(cast.frida, kind="denied").content.decode()


def test_users_out_of_view_of_a_deleted_view_are_a_number(cast: Cast) -> None:
    """The event stores every name, but only readers who have EnterpriseView see all of them."""
    mia = manager(cast)
    RoleAssignment.objects.create(user=mia, role=cast.vera.roles.get())
    view = AccessView.objects.create(tenant=cast.abacus, name="Empty")
    for user in (cast.ana, cast.eli, cast.otto):
        AccessViewAssignment.objects.create(view=view, user=user)
    actions.delete_view(by=mia, view_id=view.pk)

    (said, *_) = sentences(mia)
    assert f"People: removed 2 outside your views, Ana Díaz ({cast.ana.pk})." in said
    page, file = get(mia).content.decode(), downloaded(mia)
    for text in (page, file):
        assert "Ana Díaz" in text
        assert "Eli" not in text
        assert "Otto" not in text
        assert str(cast.eli.pk) not in re.findall(r"\((\d+)\)", text)
    assert f"Eli Sales ({cast.eli.pk})" in " ".join(sentences(cast.vera))
    assert f"Otto Operator ({cast.otto.pk})" in downloaded(cast.vera)


def test_a_deleted_view_without_visible_users_is_a_number(cast: Cast) -> None:
    mia = manager(cast)
    RoleAssignment.objects.create(user=mia, role=cast.vera.roles.get())
    view = AccessView.objects.create(tenant=cast.abacus, name="Empty")
    AccessViewAssignment.objects.create(view=view, user=cast.eli)
    actions.delete_view(by=mia, view_id=view.pk)
    assert "People: removed 1 outside your views." in sentences(mia)[0]


def downloaded(user: User) -> str:
    answer: Any = signed_in(user).get(reverse("transfers:audit-download"))
    return b"".join(answer.streaming_content).decode()


def test_kinds_have_names_in_plain_words(cast: Cast) -> None:
    assert set(NAMES) <= set(KINDS)
    names = [name for _, name in KIND_CHOICES]
    assert len(set(names)) == len(KINDS)
    assert names == sorted(names, key=str.casefold)
    page = get(cast.vera).content.decode()
    assert '<option value="operator-looked">Viewed by a server operator</option>' in page
    assert '<option value="file-uploaded">File uploaded</option>' in page
