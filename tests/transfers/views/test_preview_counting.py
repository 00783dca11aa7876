"""The preview while its file is being counted, and the polling until the counting is complete."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent, signed_in
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from transfers.models import Transfer
from transfers.planning import background_counts, plan
from transfers.planning.background_counts import count_draft, counting_progress
from transfers.planning.plan import plan_of

HTMX = {"HX-Request": "true", "HX-Target": "counting"}


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(background_counts, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(background_counts, "PORTION", 3)


@pytest.fixture
def draft(cast: Cast) -> Transfer:
    """A draft with five rows that are not counted yet, a duplicate row and a row with an error."""
    return upload(cast.ada, *pairs_of(cast, 5), (cast.ana, cast.bo), (cast.di, 7000777))


def pairs_of(cast: Cast, number: int) -> list[tuple[User, User]]:
    users = [agent(cast.support, f"Agent Number{n}") for n in range(2 * number - 2)]
    records.schedule(users[0], 1)
    records.schedule(users[number - 1], 1, activities=2)
    pairs = list(zip(users[: number - 1], users[number - 1 :], strict=True))
    return [*pairs, (cast.ana, cast.bo)]


def page(user: User, made: Transfer, **query: Any) -> str:
    return signed_in(user).get(reverse("transfers:preview", args=[made.number]), query).content.decode()


def poll(user: User, made: Transfer, *, before: int = 0, waited: int = 0, **query: Any) -> HttpResponse:
    headers = HTMX | {"Counted-Before": str(before), "Times-Waited": str(waited)}
    return signed_in(user).get(
        reverse("transfers:preview-counting", args=[made.number]), query, headers=headers
    )


def confirmation(user: User, made: Transfer) -> HttpResponse:
    return signed_in(user).get(reverse("transfers:transfer-confirmation", args=[made.number]))


# --- The page --------------------------------------------------------------------------------------------------------


def test_uncounted_rows_show_no_number(cast: Cast, draft: Transfer) -> None:
    body = page(cast.ada, draft, filter="all")

    assert "Counting the records: 0 of 5 pairs" in body
    assert body.count('aria-label="being counted">…') == 2 * 5
    assert body.count('aria-label="not counted">–') == 2 * 2
    assert "0 of them are counted" in body
    assert "records to move" not in body
    assert "Show progress" in body


def test_the_polled_part_has_nothing_focusable(cast: Cast, draft: Transfer) -> None:
    part = one_line(poll(cast.ada, draft).content.decode())

    assert part.strip().startswith('<div id="counting"')
    assert not any(tag in part for tag in ("<a", "<button", "<input", "tabindex"))


def test_counted_rows_show_their_numbers_while_others_wait(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk, portions=1)

    assert "Counting the records: 3 of 5 pairs" in page(cast.ada, draft)
    assert page(cast.ada, draft, filter="all").count('aria-label="being counted">…') == 2 * 2


def test_totals_are_those_of_the_plan(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk)
    totals, counted = plan_of(draft, cast.ada).totals, counting_progress(draft)

    assert (counted.rows, counted.counted) == (5, 5)
    assert (counted.transferred, counted.deleted) == (totals.transferred, totals.deleted) == (1, 3)
    body = " ".join(page(cast.ada, draft).split())
    assert "<strong>1</strong> record to move" in body
    assert '<strong class="danger-text" >3</strong> to delete' in body
    assert "every 2s" not in body


def test_a_file_that_cannot_run_is_not_counted(cast: Cast) -> None:
    with patch("transfers.validation.problem_kinds.MAXIMUM_PAIRS", 2):
        made = upload(cast.ada, *pairs_of(cast, 4))

    body = page(cast.ada, made)

    assert "Counting the records" not in body
    assert body.count('aria-label="not counted">–') == 2 * 4


def test_counted_or_not_the_page_needs_as_many_queries(cast: Cast, draft: Transfer) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(cast.ada, draft)
        return len(captured)

    before = queries()
    count_draft(draft.pk)
    assert queries() == before


# --- Polling ---------------------------------------------------------------------------------------------------------


def test_at_the_end_the_same_list_is_loaded_again(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk)

    answer = poll(cast.ada, draft, rows="10", filter="warning", q="agent")
    body = one_line(one_line(answer.content.decode()))

    again = f"{reverse('transfers:preview', args=[draft.number])}?rows=10&amp;filter=warning&amp;q=agent"
    assert f'hx-get="{again}" hx-trigger="load"' in body
    assert 'data-announce="All counted: 1 record to move, 3 to delete."' in body
    assert "every 2s" not in body


def test_polls_without_progress_count_a_portion(cast: Cast, draft: Transfer) -> None:
    first = poll(cast.ada, draft).content.decode()
    assert '"Times-Waited": "1"' in first
    assert '"Times-Waited": "2"' in poll(cast.ada, draft, waited=1).content.decode()
    assert counting_progress(draft).counted == 0

    third = poll(cast.ada, draft, waited=2).content.decode()

    assert "3 of 5 pairs" in third
    assert '"Times-Waited": "2"' in third
    assert "All counted" in poll(cast.ada, draft, before=3, waited=2).content.decode()


def test_only_one_process_counts_at_a_time(cast: Cast, draft: Transfer) -> None:
    count_draft(draft.pk, portions=1)

    part = poll(cast.ada, draft, before=0, waited=1).content.decode()

    assert '"Times-Waited": "0"' in part
    assert counting_progress(draft).counted == 3


def test_without_scripts_the_link_counts_a_portion_and_returns(cast: Cast, draft: Transfer) -> None:
    address = reverse("transfers:preview-counting", args=[draft.number])

    answer = signed_in(cast.ada).get(address, {"rows": "10"})

    assert answer["Location"] == f"{reverse('transfers:preview', args=[draft.number])}?rows=10"
    assert counting_progress(draft).counted == 3


@pytest.mark.parametrize("odd", ["", "-1", "٣", "x" * 500, "99999999999999999999"])
def test_odd_headers(cast: Cast, draft: Transfer, odd: str) -> None:
    headers = HTMX | {"Counted-Before": odd, "Times-Waited": odd}
    address = reverse("transfers:preview-counting", args=[draft.number])

    assert "of 5 pairs" in signed_in(cast.ada).get(address, headers=headers).content.decode()


def test_only_its_maker_sees_the_counting(cast: Cast, draft: Transfer) -> None:
    assert poll(cast.frida, draft).status_code == 404
    assert poll(cast.otto, draft).status_code == 403
    address = reverse("transfers:preview-counting", args=[draft.number])
    assert signed_in(cast.ada).post(address).status_code == 405


# --- The confirmation ------------------------------------------------------------------------------------------------


@pytest.fixture
def good(cast: Cast) -> Transfer:
    return upload(cast.ada, *pairs_of(cast, 4))


def run_button(cast: Cast, made: Transfer) -> bool:
    return reverse("transfers:transfer-confirmation", args=[made.number]) in page(cast.ada, made)


def test_it_cannot_be_opened_before_the_counting_has_ended(cast: Cast, good: Transfer) -> None:
    preview = reverse("transfers:preview", args=[good.number])
    assert not run_button(cast, good)
    assert "<strong>Cannot run yet:</strong> The records are still being counted." in page(cast.ada, good)

    answer = signed_in(cast.ada).get(
        reverse("transfers:transfer-confirmation", args=[good.number]), follow=True
    )

    assert answer.redirect_chain == [(preview, 302)]
    assert "You can run the transfer when all numbers are known." in answer.content.decode()
    count_draft(good.pk)
    assert run_button(cast, good)
    answer = confirmation(cast.ada, good)
    assert answer.context["plan"].hash == plan_of(good, cast.ada).hash


def window(cast: Cast, made: Transfer, **query: str) -> str:
    address = reverse("transfers:transfer-confirmation", args=[made.number])
    answer = signed_in(cast.ada).get(address, query, headers={"HX-Request": "true", "HX-Target": "window"})
    return one_line(answer.content.decode())


def test_the_window_counts_old_numbers_again_and_shows_the_progress(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    assert "Type 4 to confirm" in window(cast, good)
    with patch.object(background_counts, "RECENT", timedelta()):
        said = window(cast, good)
        assert "Counting the records: 0 of 4 pairs" in said
        assert "Cancel</button>" in said
        assert (
            "Counting the records: 3 of 4 pairs"
            in poll(cast.ada, good, waited=2, window="1").content.decode()
        )
        last = one_line(poll(cast.ada, good, waited=2, window="1").content.decode())
        assert 'confirmation/?counted=1" hx-target="#window"' in last
        assert "Type 4 to confirm" in window(cast, good, counted="1")


def test_recent_counts_are_shown_and_confirming_recounts(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    with patch.object(background_counts, "plan_of", wraps=background_counts.plan_of) as planned:
        shown = confirmation(cast.ada, good).context["plan"]
    assert [call.kwargs for call in planned.call_args_list] == [{"recount": False}]
    records.schedule(cast.ana, 3)

    form = {"plan_hash": shown.hash, "transferred": "1", "deleted": "3", "typed_count": "4"}
    address = reverse("transfers:transfer-confirmation", args=[good.number])
    answer = signed_in(cast.ada).post(address, form).content.decode()

    assert "Records to move: was 1, is now 2." in answer
    good.refresh_from_db()
    assert good.state == "draft"


def test_older_counts_are_recounted(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    good.refresh_from_db()
    good.file_summary["counted_since"] = "2026-01-01T00:00:00+00:00"
    good.save()
    records.schedule(cast.ana, 3)

    assert confirmation(cast.ada, good).context["plan"].totals.transferred == 2


def test_a_wrong_number_shows_the_same_plan(cast: Cast, good: Transfer) -> None:
    count_draft(good.pk)
    plan_hash = plan_of(good, cast.ada).hash
    address = reverse("transfers:transfer-confirmation", args=[good.number])
    with patch.object(background_counts, "plan_of", wraps=background_counts.plan_of) as planned:
        answer = signed_in(cast.ada).post(address, {"plan_hash": plan_hash, "typed_count": "3"})
    assert "Type 4 to confirm" in one_line(answer.content.decode())
    planned.assert_not_called()
