from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures.cast import Cast, agent, draft, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.undoing import mark_undone
from transfers.models import Kind, PairState, State, Transfer


def get(user: User, /, **query: Any) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:transfer-list"), query)


def listed(user: User, /, **query: Any) -> list[Transfer]:
    response = get(user, **query)
    assert response.status_code == 200
    return [entry.transfer for entry in response.context["entries"]]


def test_newest_first_without_drafts(cast: Cast) -> None:
    first, second = transfer(cast.ada, (cast.ana, cast.bo)), transfer(cast.ada, (cast.cy, cast.eli))
    draft(cast.ada)

    assert listed(cast.ada) == [second, first]
    assert listed(cast.otto) == [first]
    assert listed(cast.frida) == []


def test_a_row_shows_the_result(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli), state=State.FINISHED_WITH_ERRORS)
    made.pairs.filter(source=cast.cy).update(state=PairState.FAILED, code="x", reason="why")
    transfer(cast.ada, (cast.ana, cast.bo))

    page = one_line(get(cast.ada).content.decode())

    assert '2 users · <span class="danger-text">1 failed</span>' in page
    assert "Finished with errors" in page
    for user in (cast.ana, cast.bo):
        assert f"ID {user.pk} · " in page
        assert user.username in page


def test_namesakes_are_told_apart(cast: Cast) -> None:
    """By ID, user name, team and “Inactive”, but only for users whom the person can see."""
    namesake = agent(cast.sales, "Ana Other")
    names = {"last_name": "Díaz", "username": "ana.the.other", "is_active": False}
    User.objects.filter(pk=namesake.pk).update(**names)
    namesake.refresh_from_db()
    transfer(cast.otto, (cast.ana, namesake))

    rows = one_line(get(cast.ada).content.decode()).split("<tbody>")[1]
    assert rows.count("Ana Díaz") == 2
    for text in (cast.ana.username, "ana.the.other", "Sales", "Inactive", str(namesake.pk)):
        assert text in rows

    rows = one_line(get(cast.otto).content.decode()).split("<tbody>")[1]
    assert rows.count("Ana Díaz") == 2
    assert cast.ana.username in rows
    for text in ("ana.the.other", "Sales", "Inactive"):
        assert text not in rows


def test_records_moved_are_those_that_reached_their_target(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli), state=State.FINISHED_WITH_ERRORS)
    counts = {"workforce.agentschedule": {"source": 1500, "moved": 1200, "merged": 34, "dropped": 266}}
    made.pairs.filter(source=cast.ana).update(counts=counts)
    made.pairs.filter(source=cast.cy).update(
        state=PairState.FAILED, code="x", reason="why", counts={"workforce.agentschedule": {"moved": 7}}
    )
    other = transfer(cast.ada, (cast.ana, cast.bo))

    moved = {entry.transfer.pk: entry.moved for entry in get(cast.ada).context["entries"]}
    assert moved == {made.pk: 1234, other.pk: 0}
    assert "1,234" in get(cast.ada).content.decode()


def test_a_search_names_the_pair_that_was_found(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli), (cast.di, cast.otto))
    made.pairs.filter(source=cast.cy).update(state=PairState.FAILED, code="x", reason="why")
    transfer(cast.ada, (cast.eli, cast.bo))

    single, bulk = get(cast.ada, user="eli").context["entries"]
    assert single.hit is None
    assert (bulk.hit.source.user, bulk.hit.target.user, bulk.hit.more) == (cast.cy, cast.eli, 0)
    page = one_line(get(cast.ada, user="eli").content.decode())
    assert "Not transferred" in page
    assert "Ana Díaz" not in page
    assert get(cast.ada, user="i").context["entries"][1].hit.more == 1
    assert all(entry.hit is None for entry in get(cast.ada).context["entries"])


def test_a_pair_that_was_found_and_is_undone_is_not_called_transferred(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli))
    mark_undone(cast.ada, made, made.pairs.get(source=cast.ana))
    found = {
        who: one_line(get(cast.ada, user=who).content.decode()).split("<tbody>")[1] for who in ("ana", "cy")
    }
    assert ("Transferred" in found["ana"], "Transferred" in found["cy"]) == (False, True)


def test_filters_typed_or_chosen_get_their_address(cast: Cast) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))
    address, headers = reverse("transfers:transfer-list"), {"HX-Request": "true"}
    client = signed_in(cast.ada)
    for query, expected in (({"user": "ana d", "state": ""}, "?user=ana+d"), ({"user": ""}, "")):
        answer = client.get(address, query, headers=headers)
        assert answer["HX-Replace-Url"] == f"{address}{expected}"
    assert "1 transfer</strong> with these filters" in one_line(get(cast.ada, user="ana").content.decode())
    assert "HX-Replace-Url" not in client.get(address)


def test_filters(cast: Cast) -> None:
    single = transfer(cast.otto, (cast.ana, cast.bo))
    bulk = transfer(cast.ada, (cast.cy, cast.di), (cast.bo, cast.eli), kind=Kind.BULK, state=State.STOPPED)
    today = timezone.now().date()

    assert listed(cast.ada, state="stopped") == [bulk]
    assert listed(cast.ada, kind="single") == [single]
    assert listed(cast.ada, user="díaz") == [single]
    assert listed(cast.ada, user=str(cast.eli.pk)) == [bulk]
    assert listed(cast.ada, by="otto") == [single]
    assert listed(cast.ada, since=today.isoformat(), until=today.isoformat()) == [bulk, single]
    assert listed(cast.ada, until="2000-01-01") == []


@pytest.mark.parametrize(
    "query",
    [
        {"page": "99999999999999999999"},
        {"page": "x", "rows": "-1"},
        {"state": "nonsense", "kind": "\0"},
        {"user": "a\0b", "by": "\0"},
        {"user": "9" * 60, "by": "٣"},
        {"user": "%_\\'\"<script>"},
        {"since": "0001-01-01", "until": "9999-12-31"},
        {"since": "yesterday"},
    ],
)
def test_odd_queries(cast: Cast, query: dict[str, str]) -> None:
    transfer(cast.ada, (cast.ana, cast.bo))

    response = get(cast.ada, **query)

    assert response.status_code == 200
    assert b"<script>" not in response.content.split(b"<main", 1)[1]


def test_an_empty_list_says_why(cast: Cast) -> None:
    assert "No transfers yet" in get(cast.ada).content.decode()
    assert "No transfer matches these filters" in get(cast.ada, state="failed").content.decode()


def test_it_needs_a_permission_about_transfers(cast: Cast) -> None:
    assert get(cast.nina).status_code == 403
    assert signed_in(cast.ada).post(reverse("transfers:transfer-list")).status_code == 405


def test_40_transfers_need_as_many_queries_as_1(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(40):
        transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    client = signed_in(cast.ada)

    for query in ({}, {"user": "Ana"}):
        with django_assert_max_num_queries(12):
            answer = client.get(reverse("transfers:transfer-list"), {"rows": 50, **query})
        assert len(answer.context["entries"]) == 40


def test_the_requester_is_found_only_by_what_is_visible(cast: Cast) -> None:
    """Otherwise a search could reveal the email of a user outside the view, letter by letter."""
    transfer(cast.ada, (cast.ana, cast.bo))
    User.objects.filter(pk=cast.ada.pk).update(username="secret.login", email="box@private.example")
    for text, seen_by in (
        ("private.example", [cast.vera]),
        ("secret.login", [cast.vera]),
        ("Ada Ad", [cast.vera, cast.otto]),
        (str(cast.ada.pk), [cast.vera, cast.otto]),
    ):
        for person in (cast.vera, cast.otto):
            assert bool(listed(person, by=text)) == (person in seen_by), (text, person)
