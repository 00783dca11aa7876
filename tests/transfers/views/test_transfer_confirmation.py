"""The confirmation page and its responses. Confirming starts exactly the plan that was shown, and only once."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures.cast import Cast, agent, draft, signed_in
from tests.fixtures.html import one_line
from tests.fixtures.running import upload
from transfers import actions
from transfers.models import State, Transfer
from transfers.results.undo_deadline import undo_sentence

pytestmark = pytest.mark.usefixtures("no_messages")

WINDOW = {"HX-Request": "true", "HX-Target": "window"}
ANSWER = {"HX-Request": "true", "HX-Target": "confirmation"}


def page_of(made: Transfer) -> str:
    return f"/transfers/{made.number}/confirmation/"


def single(cast: Cast, source: User | None = None) -> Transfer:
    return actions.start_single(by=cast.otto, source_id=(source or cast.ana).pk, target_id=cast.bo.pk)


def bulk(cast: Cast) -> Transfer:
    return drafted(cast, [(cast.ana, cast.bo), (cast.cy, cast.di)])


def drafted(cast: Cast, pairs: list[tuple[User, User]]) -> Transfer:
    rows = [
        {"number": n, "from_id": s.pk, "to_id": t.pk, "from_text": str(s.pk), "to_text": str(t.pk)}
        for n, (s, t) in enumerate(pairs, start=2)
    ]
    return draft(cast.ada, *rows)


def shown(client: Client, made: Transfer) -> dict[str, str]:
    """Return the hidden fields of the form, as a browser would submit them."""
    page = client.get(page_of(made)).content.decode()
    return dict(re.findall(r'type="hidden" name="(plan_hash|transferred|deleted)" value="([^"]*)"', page))


# --- Contents --------------------------------------------------------------------------------------------------------


def test_the_contents_for_a_single_transfer(cast: Cast) -> None:
    page = one_line(signed_in(cast.otto).get(page_of(single(cast))).content.decode())
    for words in (
        "Transfer data from Ana Díaz to Bo Chen?",
        f'Ana Díaz</span> ({cast.ana.pk}) → <span class="name">Bo Chen</span> ({cast.bo.pk})',
        f"ID {cast.bo.pk} · bo.chen · Support",
        "After this Ana Díaz has none of this data.",
        undo_sentence(),
        "I have checked the direction of this transfer",
        "Otto Operator (otto.operator), in the audit log.",
    ):
        assert words in page


def test_a_bulk_transfer_shows_the_number_to_type(cast: Cast) -> None:
    page = one_line(signed_in(cast.ada).get(page_of(bulk(cast))).content.decode())
    for words in ("Transfer data for 2 users?", "Type 2 to confirm", "Run Transfer for 2 users"):
        assert words in page
    assert "I have checked" not in page


def test_namesakes_are_told_apart(cast: Cast) -> None:
    other = agent(cast.support, "Bo Chen", is_active=False, username="bo.chen.too", email="")
    page = one_line(
        signed_in(cast.ada)
        .get(page_of(drafted(cast, [(cast.ana, cast.bo), (cast.cy, other)])))
        .content.decode()
    )
    assert f"ID {cast.bo.pk} · bo.chen · Support" in page
    assert f"ID {other.pk} · bo.chen.too · Support" in page
    assert page.count('<span class="tag">Inactive</span>') == 1


def test_a_user_name_changed_after_the_numbers_were_shown_is_shown_again(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    form = shown(otto, made) | {"checked": "on"}
    User.objects.filter(pk=cast.bo.pk).update(username="bo.chen.2")
    assert (
        "a user, a warning or the records behind a number have changed"
        in otto.post(page_of(made), form).content.decode()
    )


def test_the_window_and_the_page_have_the_same_contents(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    window = one_line(otto.get(page_of(made), headers=WINDOW).content.decode())
    assert window.strip().startswith('<dialog role="alertdialog"')
    assert "autofocus>Cancel" in window
    assert "After this Ana Díaz has none of this data." in window
    assert "<dialog" not in otto.get(page_of(made)).content.decode()


def test_a_transfer_that_cannot_run_says_why_and_has_no_button(cast: Cast) -> None:
    made = single(cast, source=cast.eli)
    page = one_line(signed_in(cast.otto).get(page_of(made)).content.decode())
    assert f"No user has the ID {cast.eli.pk}." in page
    assert "data-run" not in page
    assert "Eli Sales" not in page


def test_equal_warnings_are_shown_once_with_their_number(cast: Cast) -> None:
    page = signed_in(cast.ada).get(page_of(many(cast, 30))).content.decode()
    assert page.count("is still active.") == 1
    assert "29 more rows have this problem." in page


# --- Answering -------------------------------------------------------------------------------------------------------


def test_confirming_starts_it_and_redirects_to_its_page(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    answer = otto.post(page_of(made), shown(otto, made) | {"checked": "on"})
    assert answer.url == f"/transfers/{made.number}/"
    made.refresh_from_db()
    assert made.state == State.QUEUED


def test_in_the_window_the_whole_page_is_redirected(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    answer = otto.post(page_of(made), shown(otto, made) | {"checked": "on"}, headers=ANSWER)
    assert answer["HX-Redirect"] == f"/transfers/{made.number}/"


def test_confirming_twice_starts_one_transfer(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    form = shown(otto, made) | {"checked": "on"}
    assert {otto.post(page_of(made), form).url for _ in range(3)} == {f"/transfers/{made.number}/"}
    assert made.pairs.count() == 1


def test_the_direction_has_to_be_ticked(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    answer = otto.post(page_of(made), shown(otto, made), headers=ANSWER)
    assert answer.status_code == 200
    assert "Check the direction, then tick the box" in answer.content.decode()
    assert 'id="confirmation"' in answer.content.decode()
    made.refresh_from_db()
    assert made.state == State.DRAFT


def test_a_suspicion_has_to_be_ticked(cast: Cast) -> None:
    ada = signed_in(cast.ada)
    sources, targets = ([agent(cast.support, f"{name}{n} X") for n in range(5)] for name in "ST")
    made = upload(cast.ada, *zip(sources, targets, strict=True))
    page = one_line(ada.get(page_of(made)).content.decode())
    assert '<input type="checkbox" name="ticked" value="targets-counted-up" required>' in page
    form = shown(ada, made) | {"typed_count": "5"}
    answer = ada.post(page_of(made), form, headers=ANSWER).content.decode()
    assert "A warning has to be ticked: To User ID rises or falls by one in 5 rows" in answer
    assert (
        ada.post(page_of(made), form | {"ticked": "targets-counted-up"}).url == f"/transfers/{made.number}/"
    )


@pytest.mark.parametrize("typed", ["", "3", "two", "٢", "-2", "2.0"])
def test_the_number_has_to_be_typed(cast: Cast, typed: str) -> None:
    ada, made = signed_in(cast.ada), bulk(cast)
    page = ada.post(page_of(made), shown(ada, made) | {"typed_count": typed}, headers=ANSWER).content.decode()
    assert "to confirm." in page
    made.refresh_from_db()
    assert made.state == State.DRAFT


@pytest.mark.parametrize("typed", ["2", " 2 "])
def test_the_right_number_starts_it(cast: Cast, typed: str) -> None:
    ada, made = signed_in(cast.ada), bulk(cast)
    assert ada.post(page_of(made), shown(ada, made) | {"typed_count": typed}).status_code == 302
    made.refresh_from_db()
    assert made.state == State.QUEUED


def test_a_changed_plan_is_shown_and_does_not_run(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    form = shown(otto, made) | {"checked": "on", "transferred": "123456"}
    cast.bo.is_active = False
    cast.bo.save()
    page = otto.post(page_of(made), form | {"window": "1"}, headers=ANSWER).content.decode()
    assert "The numbers have changed since this window opened. Nothing has run." in page
    assert "Records to move: was 123,456, is now 0." in page
    made.refresh_from_db()
    assert made.state == State.DRAFT


def test_a_new_error_is_shown_in_the_window(cast: Cast) -> None:
    otto, made = signed_in(cast.otto), single(cast)
    form = shown(otto, made) | {"checked": "on", "window": "1"}
    cast.bo.team = cast.sales
    cast.bo.save()
    page = one_line(otto.post(page_of(made), form, headers=ANSWER).content.decode())
    assert f"No user has the ID {cast.bo.pk}." in page
    assert "data-close" in page


# --- Access ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ada", "vera", "frida", "nina"])
def test_only_its_maker_can_open_a_draft(cast: Cast, who: str) -> None:
    made = single(cast)
    answer = signed_in(getattr(cast, who)).get(page_of(made))
    assert answer.status_code == (404 if who in ("ada", "frida") else 403)


def test_a_discarded_draft_is_not_found(cast: Cast) -> None:
    made = single(cast)
    actions.discard(by=cast.otto, transfer=made)
    assert signed_in(cast.otto).get(page_of(made)).status_code == 404


def test_the_number_of_queries_does_not_depend_on_the_pairs(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ada = signed_in(cast.ada)
    few, more = bulk(cast), many(cast, 30)
    ada.get(page_of(few))
    with django_assert_num_queries(queries_of(ada, few)):
        assert "Transfer data for 30 users?" in ada.get(page_of(more)).content.decode()


def many(cast: Cast, pairs: int) -> Transfer:
    users = [agent(cast.support, f"Many {n:03}") for n in range(2 * pairs)]
    return drafted(cast, list(zip(users[:pairs], users[pairs:], strict=True)))


def queries_of(client: Client, made: Transfer) -> int:

    with CaptureQueriesContext(connection) as captured:
        client.get(page_of(made))
    return len(captured)
