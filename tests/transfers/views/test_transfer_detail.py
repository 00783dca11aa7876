from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures.cast import Cast, add_pair, agent, draft, signed_in, transfer
from tests.fixtures.html import one_line
from tests.fixtures.running import run_bulk
from tests.fixtures.undoing import mark_undone
from transfers.management.report import impact_lines
from transfers.models import Kind, PairState, State, Transfer, TransferPair
from transfers.results.progress import (
    Progress,
    duration_in_words,
    impact_so_far,
    pace_in_words,
    progress_of,
    time_left_in_words,
)

COUNTS = {"source": 90, "target": 85, "moved": 80, "dropped": 4, "merged": 6, "replaced": 85}
ERRORS = "Errors occurred during data transfer. The user IDs listed below were not transferred."
AUDIT_LINK = (
    "Click here to download an audit log of the errors that occurred in the most recent"
    " data transfer operation."
)


def address(made: Transfer, name: str = "detail") -> str:
    return reverse(f"transfers:transfer-{name}", args=[made.number])


def page(user: User, made: Transfer, query: str = "") -> str:
    response = signed_in(user).get(address(made) + query)
    assert response.status_code == 200
    return one_line(response.content.decode())


def with_errors(cast: Cast, state: State = State.FINISHED_WITH_ERRORS) -> Transfer:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=state)
    made.pairs.update(counts={"workforce.agentschedule": COUNTS})
    add_pair(
        made,
        9,
        cast.cy,
        cast.di,
        state=PairState.FAILED,
        code="locked",
        reason="The records were locked.",
        remedy="Try it again later.",
    )
    return made


def test_rows_that_lost_a_reference_are_counted(cast: Cast) -> None:
    """The same number stands on the page and on the command line."""
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.SUCCEEDED)
    counts = {"workforce.agentschedule": COUNTS | {"detached": 1234}}
    made.pairs.update(state=PairState.SUCCEEDED, counts=counts)
    words = "1,234 detached from deleted records"
    assert words in page(cast.ada, made)
    assert any(words in line for line in impact_lines(impact_so_far(made)))


# --- While it runs ---------------------------------------------------------------------------------------------------


def test_the_page_of_a_running_transfer(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    made.pairs.filter(source=cast.ana).update(state=PairState.SUCCEEDED, finished_at=timezone.now())

    body = page(cast.ada, made)

    assert "1 of 2 done" in body
    assert "You can leave this page or sign out. The transfer goes on." in body
    assert "Stop after the current users" in body
    assert 'hx-trigger="every 2s"' in body


def test_the_polled_part_equals_the_page_and_has_no_buttons(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)

    part = signed_in(cast.ada).get(address(made, "progress"), headers={"HX-Request": "true"})

    title, _, text = one_line(part.content.decode()).strip().partition("</title>")
    assert title.startswith("<title>")
    assert text in page(cast.ada, made)
    for tag in ("<a ", "<button", "<input", "<summary", "tabindex"):
        assert tag not in text


def test_polling_slows_down_and_ends(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    client = signed_in(cast.ada)
    Transfer.objects.update(confirmed_at=timezone.now() - timedelta(minutes=2))
    assert 'hx-trigger="every 5s"' in page(cast.ada, made)

    Transfer.objects.update(state=State.SUCCEEDED, finished_at=timezone.now())
    TransferPair.objects.update(state=PairState.SUCCEEDED)

    assert client.get(address(made, "progress"), headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert client.get(address(made, "progress"))["Location"] == address(made)
    assert 'hx-trigger="every' not in page(cast.ada, made)


def test_waiting_for_a_worker_is_shown_after_a_minute(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), state=State.QUEUED)
    words = "Waiting for a worker. The transfer continues automatically when one is free."
    assert words not in page(cast.ada, made)

    Transfer.objects.update(confirmed_at=timezone.now() - timedelta(seconds=61))

    assert words in page(cast.ada, made)


def test_an_estimate_needs_20_pairs(cast: Cast) -> None:
    made = transfer(cast.ada, state=State.RUNNING, kind=Kind.BULK)
    for number in range(100):
        done = number < 20
        add_pair(
            made,
            number + 2,
            agent(cast.support, f"S{number} X"),
            agent(cast.support, f"T{number} X"),
            state=PairState.SUCCEEDED if done else PairState.PENDING,
            weight=10,
        )
    Transfer.objects.update(started_at=timezone.now() - timedelta(minutes=5))

    assert "20 of 100 done</strong> · about 20 minutes left" in page(cast.ada, made)
    made.pairs.filter(row_number=2).update(state=PairState.PENDING)
    assert "left" not in time_left_in_words(progress_of(made).left(timezone.now()))


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(seconds=20), "less than a minute left"),
        (timedelta(seconds=70), "about 1 minute left"),
        (timedelta(minutes=25), "about 25 minutes left"),
        (timedelta(minutes=150), "about 2 hours left"),
        (None, ""),
    ],
)
def test_time_left_in_words(left: timedelta | None, words: str) -> None:
    assert time_left_in_words(left) == words


def test_duration_in_words() -> None:
    times = (timedelta(seconds=4), timedelta(seconds=184), timedelta(seconds=7380))
    assert [duration_in_words(time) for time in times] == ["4 s", "3 min 4 s", "2 h 3 min"]


# --- When it has ended -----------------------------------------------------------------------------------------------


def test_succeeded(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo))
    made.pairs.update(counts={"workforce.agentschedule": COUNTS})

    body = page(cast.ada, made)

    assert "Data Transfer Successful" in body
    assert "1 of 1 user transferred" in body
    assert "Agent Schedules" in body
    assert f"Ana Díaz ({cast.ana.pk}) → Bo Chen ({cast.bo.pk}): Ana&#x27;s data moved to Bo" in body
    assert AUDIT_LINK not in body


def test_counts_add_up_over_the_pairs(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    made.pairs.update(counts={"workforce.agentschedule": COUNTS})

    [line] = signed_in(cast.ada).get(address(made)).context["impact"].lines

    assert (line.source, line.moved, line.dropped, line.merged, line.replaced) == (180, 160, 8, 12, 170)
    assert line.source == line.moved + line.dropped + line.merged


def test_each_failed_pair_has_a_reason_and_a_remedy(cast: Cast) -> None:
    body = page(cast.ada, with_errors(cast))

    assert ERRORS in body
    assert AUDIT_LINK in body
    assert "The records were locked." in body
    assert "Try it again later." in body
    assert "Nothing was changed for this pair." in body
    assert f"<strong>{cast.cy.pk}</strong>" in body
    assert f"<strong>{cast.ana.pk}</strong>" not in body
    assert "Retry failed transfers" in body


def test_pairs_can_be_filtered(cast: Cast) -> None:
    made = with_errors(cast)

    assert f"<strong>{cast.ana.pk}</strong>" in page(cast.ada, made, "?show=transferred")
    assert f"<strong>{cast.ana.pk}</strong>" in page(cast.ada, made, "?show=all")
    assert f"<strong>{cast.ana.pk}</strong>" not in page(cast.ada, made, "?show=%00&page=-1&rows=x")


def test_a_stopped_transfer_lists_pairs_not_started(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.STOPPED)
    made.pairs.filter(source=cast.cy).update(state=PairState.NOT_STARTED)

    body = page(cast.ada, made)

    assert "The transfer was stopped." in body
    assert "1 of 2 users transferred · 1 not started" in body
    assert f"<strong>{cast.cy.pk}</strong>" in body
    assert "Retry failed transfers" in body


def test_a_failed_transfer(cast: Cast) -> None:
    made = with_errors(cast, State.FAILED)
    made.pairs.filter(source=cast.ana).delete()

    body = page(cast.ada, made)

    assert ERRORS in body
    assert "0 of 1 user transferred · 1 failed" in body
    assert "Nothing was changed." in body


# --- Who may do what -------------------------------------------------------------------------------------------------


def test_who_may_open_stop_and_retry_it(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.RUNNING)
    names = ("ada", "vera", "otto", "nina", "frida")

    def statuses(method: str, name: str) -> list[int]:
        clients = (signed_in(getattr(cast, person)) for person in names)
        return [getattr(client, method)(address(made, name)).status_code for client in clients]

    assert statuses("get", "detail") == [200, 200, 200, 403, 404]
    assert statuses("get", "progress") == [302, 302, 302, 403, 404]
    assert statuses("get", "stop") == [302] * 5
    assert statuses("post", "retry")[1:] == [403, 403, 403, 404]
    assert statuses("post", "stop") == [302, 403, 403, 403, 404]


def test_without_the_permission_there_are_no_buttons(cast: Cast) -> None:
    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)

    assert "Stop after" not in page(cast.vera, running)
    assert "Retry failed" not in page(cast.vera, with_errors(cast))
    assert AUDIT_LINK in page(cast.vera, with_errors(cast))


def test_a_draft_redirects_to_its_preview(cast: Cast) -> None:
    made = draft(cast.ada)

    assert signed_in(cast.ada).get(address(made))["Location"] == reverse(
        "transfers:preview", args=[made.number]
    )


def test_discarded_preview_says_so(cast: Cast) -> None:
    made = draft(cast.ada, state=State.DISCARDED, finished_at=timezone.now())

    assert "This preview was discarded." in page(cast.ada, made)


# --- What can be done ------------------------------------------------------------------------------------------------


def test_stopping_twice_is_recorded_once(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), kind=Kind.BULK, state=State.QUEUED)
    client = signed_in(cast.ada)

    for _ in range(2):
        assert client.post(address(made, "stop"))["Location"] == address(made)

    made.refresh_from_db()
    assert made.stop_requested_at is not None


def test_a_retry_is_a_preview_of_the_untransferred_pairs(cast: Cast) -> None:
    made, client = with_errors(cast), signed_in(cast.ada)

    response = client.post(address(made, "retry"))

    assert client.post(address(made, "retry"))["Location"] == response["Location"]
    again = Transfer.objects.get(state=State.DRAFT)
    assert response["Location"] == reverse("transfers:preview", args=[again.number])
    assert [(row.from_id, row.to_id) for row in again.rows.all()] == [(cast.cy.pk, cast.di.pk)]
    assert "of <a" in one_line(signed_in(cast.ada).get(response["Location"]).content.decode())


def test_a_retry_and_its_origin_name_each_other(cast: Cast) -> None:
    made = with_errors(cast)
    retry = transfer(cast.ada, (cast.cy, cast.di), file_summary={"retry_of": made.number})
    assert f'Retries <a href="{address(made)}">transfer {made.number}</a>.' in page(cast.ada, retry)
    origin = page(cast.ada, made)
    assert (
        f'Retried in <a href="{address(retry)}"> transfer {retry.number}</a>: 1 of 1 user transferred.'
        in origin
    )
    assert f"<h2>Retried by transfer {retry.number}</h2>" in origin
    assert "Retry failed transfers" not in origin


def test_a_retry_that_did_not_succeed_or_was_undone_can_be_repeated(cast: Cast) -> None:
    made = with_errors(cast)
    retry = transfer(cast.ada, (cast.cy, cast.di), file_summary={"retry_of": made.number})
    mark_undone(cast.ada, retry)
    origin = page(cast.ada, made)
    assert "Retry failed transfers again" in origin
    assert "Errors occurred during data transfer." in origin


def test_an_origin_that_the_person_may_not_see_is_not_named(cast: Cast) -> None:
    made = transfer(cast.frida)
    retry = transfer(cast.ada, (cast.ana, cast.bo), file_summary={"retry_of": made.number})
    shown = page(cast.ada, retry)
    assert "Retries another transfer." in shown
    assert address(made) not in shown


def test_without_anything_to_retry_it_stays_on_the_page(cast: Cast) -> None:
    for made in (
        transfer(cast.ada, (cast.ana, cast.bo)),
        transfer(cast.ada, (cast.cy, cast.di), state=State.RUNNING),
    ):
        assert signed_in(cast.ada).post(address(made, "retry"))["Location"] == address(made)
    assert not Transfer.objects.filter(state=State.DRAFT).exists()


def test_200_pairs_need_as_many_queries_as_1(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = with_errors(cast)
    for number in range(100, 300):
        add_pair(
            made,
            number,
            agent(cast.support, f"S{number} X"),
            agent(cast.support, f"T{number} X"),
            state=PairState.FAILED,
            code="x",
            reason="y",
        )
    client = signed_in(cast.ada)

    with django_assert_max_num_queries(16):
        client.get(address(made), {"rows": "100"})


def test_title_follows_the_state(cast: Cast) -> None:
    made = transfer(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di), state=State.RUNNING)
    client = signed_in(cast.ada)
    title = f"<title>0 of 2 done: Bulk transfer {made.number} · Data Transfer</title>"
    polled = client.get(address(made, "progress"), headers={"HX-Request": "true"})
    assert title in page(cast.ada, made)
    assert title in one_line(polled.content.decode())
    ended = transfer(cast.ada, (cast.ana, cast.bo))
    assert f"<title>Succeeded: Single transfer {ended.number}" in page(cast.ada, ended)


def test_the_pace_is_shown_after_20_pairs() -> None:
    now = timezone.now()
    progress = Progress(200, 18, 1, 0, 0, 0, now - timedelta(minutes=2), None)
    assert progress.pace(now) is None
    assert pace_in_words(replace(progress, succeeded=19).pace(now)) == "about 10 users a minute"


@pytest.mark.parametrize(
    ("pace", "words"),
    [(None, ""), (0.4, "less than one"), (1.2, "about 1 user a"), (99, "about 99"), (1234, "about 1,200")],
)
def test_pace_in_words(pace: float | None, words: str) -> None:
    assert pace_in_words(pace).startswith(words)


def test_the_result_of_a_bulk_names_its_file(cast: Cast) -> None:
    made = with_errors(cast)
    Transfer.objects.filter(pk=made.pk).update(file_name="leavers.csv")
    assert "· leavers.csv" in page(cast.ada, made)


def test_a_user_who_cannot_be_undone_has_no_empty_cell(cast: Cast) -> None:
    """On narrow screens each cell has its label beside it, and empty cells are left out."""
    made = run_bulk(cast.ada, (cast.ana, cast.bo), (cast.cy, cast.di))
    made.pairs.filter(row_number=3).update(state=PairState.FAILED, code="locked", reason="Locked.", counts={})
    Transfer.objects.filter(pk=made.pk).update(state=State.FINISHED_WITH_ERRORS)
    content = page(cast.ada, made, "?show=all")
    assert content.count('name="row"') == 1
    assert content.count('<td data-label="Undo"></td>') == 1
