"""If a cell has text instead of an ID, a user is suggested only if the text names exactly one user in the view."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.people.search import users_named
from tests.fixtures.cast import Cast, agent, cache_rights
from tests.fixtures.running import upload
from transfers.models import DraftRow
from wording.problems import Problem

pytestmark = pytest.mark.django_db


def problem(cast: Cast, text: str, by: str = "ada") -> Problem:
    """Return the problem of a row with `text` as its To User ID. The cell is quoted, as names can contain commas."""
    draft = upload(getattr(cast, by), (cast.ana, f'"{text}"'))
    return Problem.from_json(DraftRow.objects.get(transfer=draft).problems[0])


@pytest.mark.parametrize(
    "text", ["Bo Chen", "bo  CHEN", "Chen, Bo", "bo.chen", "BO.CHEN@example.com", " Bo Chen "]
)
def test_name_email_and_user_name_suggest_the_user(cast: Cast, text: str) -> None:
    found = problem(cast, text)
    assert (found.code, found.suggestion) == ("id-is-name", cast.bo.pk)
    assert found.sentence.endswith(f"Did you mean {cast.bo.pk} (Bo Chen)?")


@pytest.mark.parametrize(
    "text", ["Bo Chen ({0})", "chen, bo ({0})", "#{0}", "ID {0}", "{0} - Bo Chen", "bo.chen [{0}]", "<{0}>"]
)
def test_an_id_with_its_name_or_a_label_suggests_the_user(cast: Cast, text: str) -> None:
    found = problem(cast, text.format(cast.bo.pk))
    assert (found.code, found.suggestion) == ("id-is-name", cast.bo.pk)


@pytest.mark.parametrize("text", ["Cy Young ({0})", "Bo ({0})", "Bo {0} Chen", "Bo Chen ({0}) 7"])
def test_an_id_with_another_name_suggests_no_user(cast: Cast, text: str) -> None:
    assert problem(cast, text.format(cast.bo.pk)).suggestion is None


def test_an_id_of_a_user_outside_the_view_is_not_named(cast: Cast) -> None:
    assert problem(cast, f"Eli Sales ({cast.eli.pk})", by="frida").suggestion is None
    assert "Eli" not in problem(cast, f"ID {cast.eli.pk}", by="frida").sentence


def test_accents_do_not_matter(cast: Cast) -> None:
    assert problem(cast, "Ana Diaz").suggestion == cast.ana.pk


@pytest.mark.parametrize("text", ["Bo", "Chen", "Bo Che", "bo.chen@example.org", "1_9"])
def test_part_of_a_name_suggests_no_user(cast: Cast, text: str) -> None:
    assert (problem(cast, text).code, problem(cast, text).suggestion) == ("id-is-text", None)


def test_a_shared_name_suggests_no_user_but_the_email_does(cast: Cast) -> None:
    other = namesake(cast)
    assert problem(cast, "Bo Chen").suggestion is None
    assert problem(cast, "bo2.chen@example.com").suggestion == other.pk


def namesake(cast: Cast) -> User:
    other = agent(cast.sales, "Bo2 Chen")
    User.objects.filter(pk=other.pk).update(first_name="Bo")
    return other


def test_no_user_outside_the_view_is_suggested(cast: Cast) -> None:
    agent(cast.support, "Eli Sales-Two")
    assert users_named(cast.otto, ["Eli Sales", "frida.foreign", "Bo Chen"]) == {"Bo Chen": cast.bo}
    assert users_named(cast.frida, ["Eli Sales", "Bo Chen"]) == {}


def test_a_namesake_outside_the_view_does_not_count(cast: Cast) -> None:
    namesake(cast)
    assert users_named(cast.otto, ["Bo Chen"]) == {"Bo Chen": cast.bo}
    assert users_named(cast.ada, ["Bo Chen"]) == {}


def test_many_texts_take_two_queries(cast: Cast) -> None:
    cache_rights(cast.ada)
    with CaptureQueriesContext(connection) as queries:
        users_named(cast.ada, [f"Name {n}" for n in range(1000)] + ["Bo Chen"])
    assert len(queries) == 2
