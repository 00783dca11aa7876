import re
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AccessView, User
from accounts.permissions import TRANSFER_ADMINISTRATOR
from tests.fixtures.cast import Cast, agent, person, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.managers import boss
from tests.fixtures.running import upload
from transfers import actions
from transfers.models import DraftRow, Kind, State, Transfer
from transfers.people_csv import read


def get(user: User, made: Transfer, /, **query: Any) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:preview", args=[made.number]), query)


def page(user: User, made: Transfer, /, **query: Any) -> str:
    response = get(user, made, **query)
    assert response.status_code == 200
    return one_line(response.content.decode())


def rows(user: User, made: Transfer, /, **query: Any) -> list[int]:
    return [line.row.number for line in get(user, made, **query).context["lines"]]


def test_summary_adds_up_and_each_count_is_a_filter(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, ""), (cast.di, 7000777))

    body = page(cast.ada, made)

    assert "3 rows read as UTF-8, comma · 1 blank" in body
    assert "2 selected" in body
    summary = get(cast.ada, made).context["summary"]
    assert summary.read == summary.blank + summary.cleared + summary.selected
    assert rows(cast.ada, made, filter="all") == [2, 4]
    assert rows(cast.ada, made, filter="error") == [4]
    assert 'href="?filter=error"' in body


def test_names_in_a_row_come_from_the_database(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))

    body = page(cast.ada, made)

    assert f"Ana Díaz ({cast.ana.pk}) → Bo Chen ({cast.bo.pk}): Ana&#x27;s data moves to Bo" in body
    assert "No user has the ID 7000777." in body
    assert "not found" in body


def test_errors_are_grouped_by_kind_with_links_to_their_rows(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, 7000777), (cast.cy, 7000778), (cast.di, cast.di))

    groups = get(cast.ada, made).context["errors"]

    assert [(group.code, group.rows) for group in groups] == [("unknown-user", [2, 3])]
    assert get(cast.ada, made).context["single_errors"] == [4]
    both_unknown = upload(cast.ada, (7000888, 7000999))
    context = get(cast.ada, both_unknown).context
    assert (context["errors"], context["single_errors"]) == ([], [2])
    assert "?row=3&amp;rows=25#to-3" in page(cast.ada, made)


def test_rows_with_errors_are_listed_first_if_there_are_any(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))
    faultless = upload(cast.ada, (cast.ana, cast.bo))

    assert rows(cast.ada, made) == [3]
    assert rows(cast.ada, made, filter="all") == [2, 3]
    assert rows(cast.ada, made, q="ana") == [2], "a search finds every row"
    assert rows(cast.ada, faultless) == [2]


def test_a_warning_of_several_rows_is_said_once(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (cast.eli, 7000777))

    body = page(cast.ada, made, filter="all")

    assert body.count("2 Source Users are still active.") == 1
    assert [group.code for group in get(cast.ada, made).context["shared"]] == [
        "active-source",
        "nothing-to-move",
    ]
    first, *_, wrong = get(cast.ada, made, filter="all").context["lines"]
    assert [problem.code for problem in first.marks] == ["active-source", "nothing-to-move"]
    assert (first.said, len(wrong.said)) == ((), 1)
    assert rows(cast.ada, made, problem="active-source") == [2, 3]


def test_a_warning_of_one_row_is_said_in_the_row(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777))

    response = get(cast.ada, made, filter="all")

    assert response.context["shared"] == []
    assert response.context["lines"][0].marks == ()
    assert "Ana Díaz" in response.context["lines"][0].said[0].sentence


def test_a_problem_that_no_row_has_lists_nothing(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert rows(cast.ada, made, problem="chain") == []
    assert rows(cast.ada, made, problem="\0") == [2]


def test_a_link_to_a_row_opens_the_page_with_it(cast: Cast) -> None:
    made = upload(cast.ada, *((1_000_000 + n, 2_000_000 + n) for n in range(60)))

    response = get(cast.ada, made, row="40", rows="25", filter="ready")

    assert 40 in [line.row.number for line in response.context["lines"]]
    assert response.context["page"].number == 2
    assert response.context["here"] == "rows=25&filter=all&page=2", (
        "a row that is sent from there comes back to it"
    )


def test_search_by_id_and_by_name(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))

    assert rows(cast.ada, made, q="diaz") == [2]
    assert rows(cast.ada, made, q=str(cast.di.pk)) == [3]
    assert rows(cast.ada, made, q="chen") == [2]
    assert rows(cast.ada, made, q="frida") == []


def test_search_does_not_find_users_out_of_view(cast: Cast) -> None:
    made = upload(cast.ada, (cast.frida, cast.bo))

    assert rows(cast.ada, made, q="frida") == []
    assert "Frida" not in page(cast.ada, made)


def test_pages(cast: Cast) -> None:
    made = upload(cast.ada, *((1_000_000 + n, 2_000_000 + n) for n in range(37)))

    body = page(cast.ada, made, page="2")

    assert "Rows 26–37 of 37" in body
    assert len(rows(cast.ada, made, rows="10")) == 10
    assert len(rows(cast.ada, made, rows="11")) == 25
    assert rows(cast.ada, made, page="10000000000000000000000") == rows(cast.ada, made, page="2")


def test_run_transfer_is_disabled_with_the_reason(cast: Cast) -> None:
    faulty, good, empty = (
        upload(cast.ada, (cast.ana, 7000777)),
        upload(cast.ada, (cast.ana, cast.bo)),
        upload(cast.ada, (cast.ana, "")),
    )

    assert get(cast.ada, faulty).context["blocked"] == "1 row with errors."
    assert get(cast.ada, good).context["blocked"] == ""
    assert reverse("transfers:transfer-confirmation", args=[good.number]) in page(cast.ada, good)
    assert reverse("transfers:transfer-confirmation", args=[faulty.number]) not in page(cast.ada, faulty)
    assert get(cast.ada, empty).context["blocked"].startswith("No users are selected.")

    transfer(cast.ada, (cast.cy, cast.di), kind=Kind.BULK, state=State.RUNNING)
    assert get(cast.ada, good).context["blocked"].startswith("A bulk transfer is running.")


def test_swap_direction_of_the_whole_file(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    response = signed_in(cast.ada).post(reverse("transfers:preview-direction", args=[made.number]))

    assert response.status_code == 302
    assert f"Bo Chen ({cast.bo.pk}) → Ana Díaz ({cast.ana.pk})" in page(cast.ada, made)


def test_discard(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))
    client, address = signed_in(cast.ada), reverse("transfers:preview-discard", args=[made.number])

    assert client.post(address)["Location"] == reverse("transfers:bulk")
    assert client.post(address)["Location"] == reverse("transfers:bulk")  # a double click
    assert Transfer.objects.get().state == State.DISCARDED
    assert get(cast.ada, made)["Location"] == reverse("transfers:bulk")


def test_a_confirmed_transfer_redirects_to_its_page(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)
    detail = reverse("transfers:transfer-detail", args=[made.number])

    assert get(cast.ada, made)["Location"] == detail
    for name in ("preview-direction", "preview-discard"):
        client = signed_in(cast.ada)
        assert client.post(reverse(f"transfers:{name}", args=[made.number]))["Location"] == detail
    made.refresh_from_db()
    assert made.state == State.RUNNING


@pytest.mark.parametrize("name", ["preview", "preview-direction", "preview-discard", "preview-errors"])
def test_only_its_maker_can_open_a_preview(cast: Cast, name: str) -> None:
    made = upload(cast.ada, (cast.ana, 7000777))
    address = reverse(f"transfers:{name}", args=[made.number])
    method = "get" if name in ("preview", "preview-errors") else "post"

    assert getattr(signed_in(cast.frida), method)(address).status_code == 404
    assert getattr(signed_in(cast.otto), method)(address).status_code == 403
    refused = getattr(signed_in(cast.ada), "post" if method == "get" else "get")(address)
    assert refused.status_code == (405 if method == "get" else 302)


def test_rows_with_errors_can_be_downloaded_and_uploaded_again(cast: Cast) -> None:
    agent(cast.support, "Flo Fine")
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777), (cast.di, "=cmd"))

    response = signed_in(cast.ada).get(reverse("transfers:preview-errors", args=[made.number]))
    body = b"".join(response.streaming_content)

    text = body.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("Row in Preview,From User ID,To User ID,First Name,")
    assert text.splitlines()[0].endswith(",Team,Result,Preview")
    assert f"{cast.cy.pk},7000777,Cy,Young" in text
    assert "No user has the ID 7000777." in text
    assert ",'=cmd," in text
    again = read(BytesIO(body))
    assert [(row.from_id, row.to_text) for row in again.rows] == [
        (cast.cy.pk, "7000777"),
        (cast.di.pk, "=cmd"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1", "rows": "0", "filter": "\0", "q": "\0\0"},
        {"row": "9999999999999999999"},
        {"row": "٣", "q": "%_\\"},
        {"row": "-1", "q": "x" * 5000},
        {"filter": "cleared", "q": "<script>alert(1)</script>"},
    ],
)
def test_odd_queries(cast: Cast, query: dict[str, str]) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo))

    assert "<script>alert" not in page(cast.ada, made, **query)


def test_1000_rows_need_as_many_queries_as_1(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = upload(cast.ada, *((1_000_000 + n, 2_000_000 + n) for n in range(1000)))
    client = signed_in(cast.ada)

    with django_assert_max_num_queries(17):
        client.get(reverse("transfers:preview", args=[made.number]), {"rows": "100", "q": "1"})
    assert DraftRow.objects.count() == 1000


def narrowed(cast: Cast) -> User:
    """Create a person whose view "Both" includes Support and Sales, so that a test can remove Sales from it."""
    both = AccessView.objects.create(tenant=cast.abacus, name="Both")
    both.teams.set([cast.support, cast.sales])
    User.objects.filter(pk=cast.eli.pk).update(is_active=False)
    return person(cast.abacus, "Nora Narrow", TRANSFER_ADMINISTRATOR, both)


@pytest.mark.parametrize("page_name", ["preview", "preview-errors", "preview-counting"])
def test_stored_results_are_rechecked_after_losing_a_view(cast: Cast, page_name: str) -> None:
    nora = narrowed(cast)
    made = upload(
        nora, (cast.ana, cast.eli), (cast.bo, cast.cy), (cast.di, boss(cast, "Tess Sales")), (9, 10)
    )
    User.objects.filter(first_name="Tess").update(team=cast.sales)
    actions.check_again(by=nora, transfer=made)
    said = page(nora, made, filter="all")
    assert "Target User Eli Sales" in said
    assert "Tess Sales" in said
    AccessView.objects.get(name="Both").teams.set([cast.support])
    answer: Any = signed_in(nora).get(reverse(f"transfers:{page_name}", args=[made.number]), follow=True)
    said = b"".join(answer).decode()
    assert "Bo" in said or page_name == "preview-errors"
    assert "Eli" not in said
    assert "Tess" not in said
    assert list(made.rows.values_list("status", flat=True)) == ["error", "warning", "error", "error"]
    assert list(made.rows.filter(counts__isnull=False).values_list("number", flat=True)) == [3]


def test_an_unchanged_preview_is_not_rechecked(cast: Cast) -> None:
    nora = narrowed(cast)
    made = upload(nora, (cast.ana, 7000777), (cast.eli, cast.bo), ("x", cast.cy), (cast.nina, cast.di))
    page(nora, made)
    assert Transfer.objects.get(pk=made.pk).version == made.version


def test_an_error_of_one_row_is_said_once(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, 7000777), (cast.di, cast.di))

    body = page(cast.ada, made)

    assert body.count("No user has the ID 7000777.") == 1
    assert body.count("Check the ID in the list of users.") == 1
    assert body.count("2 rows have errors.") == 1
    assert "Cannot run yet:</strong> 2 rows with errors." in body
    assert 'href="?row=3&amp;rows=25#to-3"' in body


def test_shared_marks_stand_apart_from_what_only_the_row_has(cast: Cast) -> None:
    User.objects.filter(pk__in=(cast.di.pk, cast.bo.pk)).update(is_active=True)
    User.objects.filter(pk=cast.eli.pk).update(is_active=False)
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.eli))

    body = page(cast.ada, made)

    assert re.search(r"<span> Active source[^<]* </span> <span> Target User Eli", body)


def test_a_row_that_repeats_another_is_named_beside_the_number_of_pairs(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), (cast.ana, cast.bo))

    body = page(cast.ada, made)

    assert "2 of 3 rows can run," in body
    assert '<a id="repeated" href="?problem=repeated-row&amp;rows=25">1 repeats another row</a>' in body
    assert "<strong>2</strong> users" in body
    assert rows(cast.ada, made, problem="repeated-row") == [4]
    assert 'id="repeated"' not in page(cast.ada, upload(cast.ada, (cast.ana, cast.bo)))


def test_rows_are_the_unit_of_warnings(cast: Cast) -> None:
    made = upload(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    assert {row.status for row in made.rows.all()} == {"warning"}

    body = page(cast.ada, made)

    assert "2 rows with warnings" in body
    assert "No warnings <span" in body
    confirmation = reverse("transfers:transfer-confirmation", args=[made.number])
    asked = one_line(signed_in(cast.ada).get(confirmation).content.decode())
    assert "<summary>2 rows with warnings</summary>" in asked
    assert "4 warnings" not in asked
