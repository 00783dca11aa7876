"""No URL that the site generates, in a link, form, htmx request or redirect, contains a user's name or email."""

import re
from copy import deepcopy

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from tests.access.objects import OBJECTS, World
from tests.access.pages import PAGES
from tests.fixtures.cast import signed_in

pytestmark = pytest.mark.django_db

ADDRESS = re.compile(r'(?:href|action|src|hx-get|hx-post|data-url)="([^"]*)"')
NAME = "zebedee"


@pytest.fixture
def world(no_messages: None) -> World:
    world = World(kept=True)
    for user in User.objects.all():
        user.first_name = user.last_name = NAME
        user.username = f"{NAME}.{user.pk}"
        user.email = f"{NAME}.{user.pk}@example.org"
        user.save()
    world.cast.ada.refresh_from_db()
    world.tara.refresh_from_db()
    return world


def test_no_page_generates_a_url_with_a_name(world: World) -> None:
    """Tara requests the pages, because she may open all of them. What a request changes is rolled back."""
    client, named = signed_in(world.tara), 0
    cookies = deepcopy(client.cookies)
    for page in PAGES:
        for method in (client.get, client.post):
            values = {name: OBJECTS[name](world, world.tara, "own", page.name) for name in page.parameters}
            with transaction.atomic():
                answer = method(reverse(page.name, kwargs=values), headers={"HX-Request": "true"})
                transaction.set_rollback(True)
            text = "" if answer.streaming else answer.content.decode()
            made = [*ADDRESS.findall(text), answer.get("Location", ""), answer.get("HX-Push-Url", "")]
            assert [address for address in made if NAME in address.lower()] == [], page.name
            named += NAME in text.lower()
            client.cookies = deepcopy(cookies)  # one of the pages signs her out
    assert named > 5, "the name of this test is on no page"


def test_choosing_two_users_gives_a_url_with_ids(world: World) -> None:
    cast = world.cast
    query = {"source": cast.ana.pk, "target": cast.bo.pk, "source_q": NAME, "target_q": NAME}
    answer = signed_in(cast.ada).get(
        reverse("transfers:single"), query, headers={"HX-Request": "true", "HX-Target": "outcome"}
    )
    assert answer["HX-Push-Url"] == f"{reverse('transfers:single')}?source={cast.ana.pk}&target={cast.bo.pk}"
