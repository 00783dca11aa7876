"""The single page: choosing two users, the prediction, and the step to the confirmation."""

from html import unescape
from re import sub

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.fixtures.cast import Cast, agent, signed_in, transfer
from tests.fixtures.html import one_line
from transfers import actions
from transfers.models import Kind, Participant, State, Transfer

PAGE = "/transfer/single/"
OPTIONS = "/transfer/single/users/"


def page_of(person: User, **query: object) -> str:
    return one_line(signed_in(person).get(PAGE, query).content.decode())


def options_of(person: User, **query: object) -> str:
    return signed_in(person).post(OPTIONS, query).content.decode()


def test_other_tenants_and_people_without_the_permission(client: Client, cast: Cast) -> None:
    assert client.get(PAGE).status_code == 302
    assert signed_in(cast.vera).get(PAGE).status_code == 403
    assert signed_in(cast.vera).post(OPTIONS).status_code == 403


def test_the_labels(cast: Cast) -> None:
    page = page_of(cast.otto)
    for words in ("Target User", "Source User", "Show inactive users", "Swap Target and Source"):
        assert words in page
    assert "Choose both users" in page
    assert "Run Transfer" not in page


# --- Finding users ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["ana", "DIAZ", "Díaz ana", "ana.díaz@", "diaz"])
def test_users_are_found_by_parts_of_their_names_and_email(cast: Cast, typed: str) -> None:
    page = options_of(cast.otto, q=typed)
    assert f'data-value="{cast.ana.pk}"' in page
    assert f'data-value="{cast.bo.pk}"' not in page


def test_users_are_found_by_their_id(cast: Cast) -> None:
    assert f'data-value="{cast.ana.pk}"' in options_of(cast.otto, q=cast.ana.pk)


@pytest.mark.parametrize("typed", ["%", "_", "\\", "\0", "'", "9" * 40, "١٩", "zzz"])
def test_odd_searches_find_no_users(cast: Cast, typed: str) -> None:
    page = options_of(cast.otto, q=typed, inactive="on")
    assert "data-value" not in page or typed == "\0"


def test_only_users_within_the_view(cast: Cast) -> None:
    assert f'data-value="{cast.eli.pk}"' not in options_of(cast.otto, q="eli")
    assert f'data-value="{cast.eli.pk}"' in options_of(cast.ada, q="eli")
    assert "Frida" not in options_of(cast.ada, q="frida").replace("“frida”", "")


def test_inactive_users_are_found_on_request_and_marked(cast: Cast) -> None:
    gone = agent(cast.support, "Gus Gone", is_active=False)
    without = options_of(cast.otto, q="gus")
    assert f'data-value="{gone.pk}"' not in without
    assert "Show inactive users too" in without
    wanted = options_of(cast.otto, q="gus", inactive="on")
    assert f'data-value="{gone.pk}"' in wanted
    assert "Inactive" in wanted


def test_a_chosen_inactive_user_stays_chosen(cast: Cast) -> None:
    gone = agent(cast.support, "Gus Gone", is_active=False)
    assert "Gus Gone" in page_of(cast.otto, target=gone.pk)


def test_at_most_20_users_are_listed_and_it_says_so(cast: Cast) -> None:
    for number in range(25):
        agent(cast.support, f"Many {number:02}")
    page = options_of(cast.otto, q="many")
    assert page.count("data-value") == 20
    assert "the first 20 users by name" in page


def test_markup_in_a_name_is_escaped(cast: Cast) -> None:
    agent(cast.support, "Eve <script>alert(1)</script>")
    assert "<script" not in options_of(cast.otto, q="eve")


def test_without_scripts_the_form_finds_users_too(cast: Cast) -> None:
    page = page_of(cast.otto, target_q="ana", source=cast.bo.pk)
    assert f'name="target" value="{cast.ana.pk}"' in page
    assert f'name="source" value="{cast.bo.pk}" checked' in page


@pytest.mark.parametrize("typed", ["{bo.pk}", "BO.CHEN", "bo@example.org", "chen boris"])
def test_a_user_named_exactly_or_the_only_one_found_is_marked(cast: Cast, typed: str) -> None:
    agent(cast.support, "Ed Mann", username="bo.chen.too")
    User.objects.filter(pk=cast.bo.pk).update(email="bo@example.org", first_name="Boris")
    page = one_line(options_of(cast.otto, q=typed.format(bo=cast.bo)))
    assert page.count("data-exact") == 1
    assert f'data-value="{cast.bo.pk}"' in page.split("data-exact")[0]


def test_of_several_users_found_none_is_marked(cast: Cast) -> None:
    agent(cast.support, "Bo Mann")
    assert "data-exact" not in options_of(cast.otto, q="bo")
    assert "data-exact" not in options_of(cast.otto)


# --- What will happen ------------------------------------------------------------------------------------------------


def test_with_both_users_chosen_the_direction_is_shown(cast: Cast) -> None:
    page = page_of(cast.otto, source=cast.ana.pk, target=cast.bo.pk)
    assert f"Ana Díaz ({cast.ana.pk}) → Bo Chen ({cast.bo.pk}): Ana&#x27;s data moves to Bo" in page
    assert "Run Transfer</button>" in page


@pytest.mark.parametrize("who", ["eli", "frida"])
def test_out_of_view_foreign_and_unknown_users_look_the_same(cast: Cast, who: str) -> None:
    other = getattr(cast, who)
    page = page_of(cast.otto, source=other.pk, target=cast.bo.pk)
    unknown = page_of(cast.otto, source=999_999_999, target=cast.bo.pk)
    assert lines_of_outcome(page.replace(str(other.pk), "#")) == lines_of_outcome(
        unknown.replace("999999999", "#")
    )
    assert "This pair cannot be transferred" in page
    assert other.name not in page


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "١٩", "9" * 30, "", "1 OR 1=1"])
def test_invalid_ids_count_as_not_chosen(cast: Cast, text: str) -> None:
    assert "Choose both users" in page_of(cast.otto, source=text, target=cast.bo.pk)


def test_a_pair_that_cannot_run_says_why_and_has_no_button(cast: Cast) -> None:
    page = page_of(cast.otto, source=cast.ana.pk, target=cast.ana.pk)
    assert "Source and target are the same user" in page
    assert 'disabled aria-describedby="why-not"' in page
    assert "people.csv" not in page


def test_swapping_swaps_the_ids_in_the_url(cast: Cast) -> None:
    answer = signed_in(cast.otto).get(PAGE, {"source": 1, "target": 2, "inactive": "on", "swap": "on"})
    assert answer.url == f"{PAGE}?source=2&target=1&inactive=on"


def test_the_swapped_part_is_the_reloaded_page(cast: Cast) -> None:
    """The part that htmx swaps in is identical to that part of the reloaded page."""
    otto, pair = signed_in(cast.otto), {"source": cast.ana.pk, "target": cast.bo.pk}
    part = otto.get(PAGE, pair, headers={"HX-Request": "true", "HX-Target": "outcome"})
    assert part["HX-Push-Url"] == f"{PAGE}?source={cast.ana.pk}&target={cast.bo.pk}"
    assert lines_of_outcome(part.content.decode()) == lines_of_outcome(
        otto.get(part["HX-Push-Url"]).content.decode()
    )


def lines_of_outcome(page: str) -> list[str]:
    section = page.split('id="outcome"')[1].split("</section>")[0]
    return [line for line in section.split() if "csrfmiddlewaretoken" not in line and 'value="' not in line]


def test_the_direction_names_user_name_team_and_inactive_users(cast: Cast) -> None:
    gone = agent(cast.support, "Bo Chen", is_active=False, username="bo.chen.gone", email="")
    page = page_of(cast.otto, source=gone.pk, target=cast.bo.pk)
    card = page.split('class="direction card"')[1].split("What will happen")[0]
    for words in (
        f"ID {gone.pk}",
        "bo.chen.gone · Support",
        "Inactive",
        f"ID {cast.bo.pk}",
        "bo.chen · Support",
    ):
        assert words in card


def test_an_active_source_and_an_inactive_target_look_the_wrong_way_round(cast: Cast) -> None:
    gone = agent(cast.support, "Gus Gone", is_active=False)
    page = page_of(cast.otto, source=cast.ana.pk, target=gone.pk)
    assert "This looks the wrong way round." in page
    assert 'id="swap-back"' in page
    made = actions.start_single(by=cast.otto, source_id=cast.ana.pk, target_id=gone.pk)
    confirmation = signed_in(cast.otto).get(f"/transfers/{made.number}/confirmation/").content.decode()
    assert "This looks the wrong way round." in confirmation
    assert "wrong way round" not in page_of(cast.otto, source=gone.pk, target=cast.ana.pk)


@pytest.mark.parametrize("receiver", ["bo", "eli"])
def test_a_target_whose_own_data_was_transferred(cast: Cast, receiver: str) -> None:
    """The receiver is named if the person can see the user."""
    to = getattr(cast, receiver)
    transfer(cast.ada, (cast.cy, to)).pairs.update(finished_at=timezone.now())
    page = page_of(cast.otto, source=cast.ana.pk, target=cast.cy.pk)
    words = f"Bo Chen ({to.pk})" if receiver == "bo" else "another user"
    assert f"'s own data was transferred to {words} on " in unescape(sub("<[^>]+>", "", page))
    assert (to.name in page) == (receiver == "bo")


# --- To the confirmation ---------------------------------------------------------------------------------------------


def test_run_transfer_creates_a_draft_and_opens_the_confirmation(cast: Cast) -> None:
    otto, pair = signed_in(cast.otto), {"source": cast.ana.pk, "target": cast.bo.pk}
    answers = [otto.post(PAGE, pair) for _ in range(2)]
    draft = Transfer.objects.get()
    assert (draft.kind, draft.state, draft.requested_by) == (Kind.SINGLE, State.DRAFT, cast.otto)
    assert {answer.url for answer in answers} == {f"/transfers/{draft.number}/confirmation/"}


def test_one_user_creates_no_draft(cast: Cast) -> None:
    assert signed_in(cast.otto).post(PAGE, {"source": cast.ana.pk}).url == f"{PAGE}?source={cast.ana.pk}"
    assert not Transfer.objects.exists()


def test_a_busy_user_is_named_before_anything_starts(cast: Cast) -> None:

    running = transfer(cast.ada, (cast.ana, cast.bo), state=State.RUNNING)
    Participant.objects.create(user=cast.ana, transfer=running)
    assert "is part of a transfer that is running now" in page_of(
        cast.otto, source=cast.ana.pk, target=cast.cy.pk
    )


def test_the_number_of_queries_does_not_depend_on_the_users(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(40):
        agent(cast.support, f"Many {number:02}")
    otto = signed_in(cast.otto)
    with django_assert_max_num_queries(9):
        otto.post(OPTIONS, {"q": "many"})
