"""What a preview shows while its file is still being counted, and how it learns that it has been."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.transfers import records
from tests.transfers.cast import Cast, agent, signed_in
from tests.transfers.running import upload
from transfers import counting, plan
from transfers.counting import count_draft, counted_of
from transfers.models import Transfer
from transfers.plan import plan_of

HTMX = {"HX-Request": "true", "HX-Target": "counting"}


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(counting, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(counting, "PORTION", 3)


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    """Five rows that can run and wait to be counted, one that repeats another and one with an error."""
    return upload(cast.ada, *pairs_of(cast, 5), (cast.ana, cast.bo), (cast.di, 7000777))


def pairs_of(cast: Cast, number: int) -> list[tuple[User, User]]:
    users = [agent(cast.support, f"Agent Number{n}") for n in range(2 * number - 2)]
    records.schedule(users[0], 1)
    records.schedule(users[number - 1], 1, activities=2)
    pairs = list(zip(users[: number - 1], users[number - 1 :], strict=True))
    return [*pairs, (cast.ana, cast.bo)]


def page(user: User, made: Transfer, **query: Any) -> str:
    return signed_in(user).get(reverse("transfers:preview", args=[made.pk]), query).content.decode()


def poll(user: User, made: Transfer, *, before: int = 0, waited: int = 0, **query: Any) -> HttpResponse:
    headers = HTMX | {"Counted-Before": str(before), "Times-Waited": str(waited)}
    return signed_in(user).get(reverse("transfers:preview-counting", args=[made.pk]), query, headers=headers)


def confirmation(user: User, made: Transfer) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:transfer-confirmation", args=[made.pk]))


# --- The page ------------------------------------------------------------------------------------------------------


def test_what_is_not_counted_yet_is_no_number(cast: Cast, draft: Transfer) -> None:
    body = page(cast.ada, draft)

    assert "Counting what will happen: 0 of 5 pairs" in body
    assert body.count('aria-label="being counted">…') == 2 * 5
    assert body.count('aria-label="not counted">–') == 2 * 2
    assert 'id="totals"' not in body
    assert 'aria-haspopup="dialog"' not in body  # for the error in row 8, not for the counting
    assert "Show how far it is now" in body


def test_nothing_in_the_polled_part_takes_the_focus(cast: Cast, draft: Transfer) -> None:
    part = poll(cast.ada, draft).content.decode()

    assert part.strip().startswith('<div id="counting"')
    assert not any(tag in part for tag in ("<a", "<button", "<input", "tabindex"))


def test_numbers_rise_and_the_rows_that_have_them_show_them(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk, portions=1)

    assert "Counting what will happen: 3 of 5 pairs" in page(cast.ada, draft)
    assert page(cast.ada, draft).count('aria-label="being counted">…') == 2 * 2


def test_totals_are_those_of_the_plan(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk)
    totals, counted = plan_of(draft, cast.ada).totals, counted_of(draft)

    assert (counted.rows, counted.counted) == (5, 5)
    assert (counted.combined, counted.deleted) == (totals.combined, totals.deleted) == (1, 3)
    body = page(cast.ada, draft)
    assert "<strong>1</strong> record combined" in body
    assert '<strong class="danger-text">3</strong> deleted' in body
    assert "every 2s" not in body


def test_a_file_that_cannot_run_as_a_whole_is_not_waited_for(cast: Cast) -> None:
    with patch("transfers.validation.kinds.MAXIMUM_PAIRS", 2):
        made = upload(cast.ada, *pairs_of(cast, 4))

    body = page(cast.ada, made)

    assert "Counting what will happen" not in body
    assert body.count('aria-label="not counted">–') == 2 * 4


def test_the_page_takes_as_many_queries_counted_or_not(cast: Cast, draft: Transfer) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(cast.ada, draft)
        return len(captured)

    before = queries()
    count_draft(draft.pk)
    assert queries() == before


# --- Polling -------------------------------------------------------------------------------------------------------


def test_the_end_has_the_same_list_loaded_once_more(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk)

    body = poll(cast.ada, draft, rows="10", filter="warning", q="agent").content.decode()

    again = f"{reverse('transfers:preview', args=[draft.pk])}?rows=10&amp;filter=warning&amp;q=agent"
    assert f'hx-get="{again}" hx-trigger="load"' in body
    assert 'data-announce="All counted: 1 record combined, 3 deleted."' in body
    assert "every 2s" not in body


def test_who_waits_in_vain_has_a_portion_counted(cast: Cast, draft: Transfer) -> None:
    first = poll(cast.ada, draft).content.decode()
    assert '"Times-Waited": "1"' in first
    assert '"Times-Waited": "2"' in poll(cast.ada, draft, waited=1).content.decode()
    assert counted_of(draft).counted == 0

    third = poll(cast.ada, draft, waited=2).content.decode()

    assert "3 of 5 pairs" in third
    assert '"Times-Waited": "2"' in third
    assert "All counted" in poll(cast.ada, draft, before=3, waited=2).content.decode()


def test_while_somebody_counts_nobody_else_does(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk, portions=1)

    part = poll(cast.ada, draft, before=0, waited=1).content.decode()

    assert '"Times-Waited": "0"' in part
    assert counted_of(draft).counted == 3


def test_without_scripts_the_link_leads_back_a_portion_further(cast: Cast, draft: Transfer) -> None:
    address = reverse("transfers:preview-counting", args=[draft.pk])

    answer = signed_in(cast.ada).get(address, {"rows": "10"})

    assert answer["Location"] == f"{reverse('transfers:preview', args=[draft.pk])}?rows=10"
    assert counted_of(draft).counted == 3


@pytest.mark.parametrize("odd", ["", "-1", "٣", "x" * 500, "99999999999999999999"])
def test_whatever_stands_in_the_headers(cast: Cast, draft: Transfer, odd: str) -> None:
    headers = HTMX | {"Counted-Before": odd, "Times-Waited": odd}
    address = reverse("transfers:preview-counting", args=[draft.pk])

    assert "of 5 pairs" in signed_in(cast.ada).get(address, headers=headers).content.decode()


def test_counting_is_seen_by_its_maker_alone(cast: Cast, draft: Transfer) -> None:
    assert poll(cast.frida, draft).status_code == 404
    assert poll(cast.otto, draft).status_code == 403
    address = reverse("transfers:preview-counting", args=[draft.pk])
    assert signed_in(cast.ada).post(address).status_code == 405


# --- The last question ---------------------------------------------------------------------------------------------


@pytest.fixture
def good(cast: Cast) -> Transfer:
    return upload(cast.ada, *pairs_of(cast, 4))


def test_it_can_be_asked_before_the_counting_has_ended(cast: Cast, good: Transfer) -> None:
    assert 'aria-haspopup="dialog"' in page(cast.ada, good)
    answer = confirmation(cast.ada, good)
    assert answer.context["plan"].totals.combined == 1
    assert answer.context["plan"].hash == plan_of(good, cast.ada).hash


def test_counts_of_a_moment_ago_are_shown_at_once_and_confirming_counts_again(
    cast: Cast, good: Transfer
) -> None:
    count_draft(good.pk)
    with patch.object(counting, "plan_of", wraps=counting.plan_of) as planned:
        shown = confirmation(cast.ada, good).context["plan"]
    assert [call.kwargs for call in planned.call_args_list] == [{"recount": False}]
    records.schedule(cast.ana, 3)

    form = {"plan_hash": shown.hash, "combined": "1", "deleted": "3", "typed_count": "4"}
    address = reverse("transfers:transfer-confirmation", args=[good.pk])
    answer = signed_in(cast.ada).post(address, form).content.decode()

    assert "Records combined: was 1, is now 2." in answer
    good.refresh_from_db()
    assert good.state == "draft"


def test_older_counts_are_taken_anew(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    good.refresh_from_db()
    good.file_summary["counted_since"] = "2026-01-01T00:00:00+00:00"
    good.save()
    records.schedule(cast.ana, 3)

    assert confirmation(cast.ada, good).context["plan"].totals.combined == 2


def test_a_wrong_number_is_answered_from_the_same_plan(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    plan_hash = plan_of(good, cast.ada).hash
    address = reverse("transfers:transfer-confirmation", args=[good.pk])
    with patch.object(counting, "plan_of", wraps=counting.plan_of) as planned:
        answer = signed_in(cast.ada).post(address, {"plan_hash": plan_hash, "typed_count": "3"})
    assert "Type 4 to confirm" in answer.content.decode()
    planned.assert_not_called()
