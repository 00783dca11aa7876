"""The settings of the organisation's people."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from transfer_site.settings import people


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("transfer_people", ("transfer_people",)),
        ("Suite.Person", ("suite", "person")),
        ('"Suite"."The ""Person"""', ("Suite", 'The "Person"')),
        ('suite."A.B"', ("suite", "A.B")),
    ],
)
def test_the_view(text: str, parts: tuple[str, ...]) -> None:
    assert people.view(text) == parts


@pytest.mark.parametrize("text", ["", "a b", "a.", ".a", '"a', "a.b.c", "1a", "a;b", '""'])
def test_no_view(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"suite\.transfer_people"):
        people.view(text)


def test_the_key() -> None:
    assert people.key("") == ()
    assert people.key('suite."Person".id') == ("suite", "Person", "id")
    with pytest.raises(ImproperlyConfigured, match=r"suite\.person\.person_id"):
        people.key("person")


def test_the_columns() -> None:
    found = people.columns('person_id=ID, user_name="Login Name"')
    assert (found["person_id"], found["user_name"], found["email"]) == ("id", "Login Name", "email")


@pytest.mark.parametrize("text", ["person_id", "login=id", "person_id=a b", "person_id=a.b", "person_id="])
def test_no_columns(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PEOPLE_COLUMNS"):
        people.columns(text)


def test_the_minutes() -> None:
    assert people.minutes(0) == 0
    with pytest.raises(ImproperlyConfigured, match="SYNC_PEOPLE_MINUTES is -1"):
        people.minutes(-1)
