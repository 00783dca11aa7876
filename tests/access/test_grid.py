"""Access to every page of the URLconf, for every role and kind of object, by GET and POST.

The expected statuses are in `grid.txt`. If a page has no lines there, its test fails and prints the lines to add, which
you should check before you add them.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.signing_in.sessions.lifetime import SEEN
from tests.access.objects import (
    EXPLAINED,
    OBJECTS,
    PRESENT,
    ROLES,
    SENT,
    WHOSE,
    WITHIN,
    World,
    transfer_number,
)
from tests.access.pages import PAGES, Page
from tests.fixtures.cast import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]

GRID = Path(__file__).with_name("grid.txt")
METHODS = ("GET", "POST")
REFUSED = (302, 403, 404, 405)
TOKEN = re.compile(rb"[A-Za-z0-9]{64}")
ID = re.compile(rb"(?<=/)[0-9]+(?=/)")  # the ID in a URL, which differs between objects


def grid() -> dict[tuple[str, str, str], list[str]]:
    """Map each (method, page name, kind of object from WHOSE or "-") to its expected statuses, one per role."""
    lines = [line.split() for line in GRID.read_text().splitlines() if line and not line.startswith("#")]
    return {
        (method, page, one): statuses for method, page, whose, *statuses in lines for one in whose.split(",")
    }


@pytest.fixture(scope="module")
def world(kept_rows: None) -> World:
    """One world for all pages, with the sessions and transfers of all roles, which would take long for each page."""
    world = World(kept=True)
    for role, asking in world.people().items():
        client = world.clients[role] = signed_in(asking) if asking else Client()
        if asking:  # once a minute, a request would take more queries to say that the user was seen
            session = client.session
            session[SEEN] += 24 * 3600
            session.save()
        for page in PAGES:
            if "transfer_number" in page.parameters:
                for one in objects_of(page):
                    transfer_number(world, asking, one, page.name)
    return world


@dataclass(frozen=True)
class Answer:
    """A response in which values that always differ (CSRF tokens, IDs in URLs, times) are masked or left out."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]
    queries: int

    @property
    def seen(self) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
        return self.status, self.body, self.headers


def objects_of(page: Page) -> tuple[str, ...]:
    for parameter in page.parameters:
        assert parameter in OBJECTS, (
            f"The URL {page.route} has the parameter {parameter!r}, which is not in OBJECTS. Add it in"
            " tests/access/objects.py."
        )
    for parameter in page.parameters:
        if parameter in PRESENT:
            return PRESENT[parameter]
    return WHOSE if set(page.parameters) - WITHIN else ("-",)


def ask_for_each(world: World, role: str, page: Page) -> dict[tuple[str, str], Answer]:
    """Return the responses by (method, kind of object). All objects exist during each request."""
    client, asking = world.clients[role], world.people()[role]
    every = {
        one: {name: OBJECTS[name](world, asking, one, page.name) for name in page.parameters}
        for one in objects_of(page)
    }
    sent = {field: make(world, asking, "own", page.name) for field, make in SENT.get(page.name, ())}
    return {
        (method, one): ask(client, method, reverse(page.name, kwargs=ids), sent)
        for method in METHODS
        for one, ids in every.items()
    }


def ask(client: Client, method: str, address: str, sent: dict[str, object]) -> Answer:
    """Send one request, roll back its changes and return the response."""
    cookies = deepcopy(client.cookies)
    statements = count(0)

    def counted(execute: Callable[..., Any], *statement: Any) -> Any:
        next(statements)
        return execute(*statement)

    with transaction.atomic():
        with connection.execute_wrapper(counted):
            response = client.get(address) if method == "GET" else client.post(address, sent)
            body = b"".join(response.streaming_content) if response.streaming else response.content
        transaction.set_rollback(True)
    client.cookies = cookies
    body = ID.sub(b"ID", TOKEN.sub(b"TOKEN", body))
    headers = [
        (name, re.sub(r"\d+", "ID", value) if name in ("Location", "Content-Length") else value)
        for name, value in response.items()
        if name not in ("Expires", "X-Request-ID")  # these differ in every response
    ]
    return Answer(response.status_code, body, tuple(headers), next(statements))


def found(world: World, page: Page) -> dict[str, dict[str, dict[str, Answer]]]:
    """Return the responses of the page by method, kind of object and role."""
    by_role = {role: ask_for_each(world, role, page) for role in ROLES}
    return {
        method: {one: {role: by_role[role][method, one] for role in ROLES} for one in objects_of(page)}
        for method in METHODS
    }


def written(method: str, page: Page, answers: dict[str, dict[str, Answer]]) -> list[str]:
    """Return the lines of the grid for these responses. Kinds of objects with the same statuses share a line."""
    statuses = {whose: [answer.status for answer in by_role.values()] for whose, by_role in answers.items()}
    return [
        f"{method:<5}{page.name:<38}{','.join(together):<29}"
        + "".join(f"{status:<10}" for status in same).rstrip()
        for same, together in groupby(statuses, key=lambda whose: statuses[whose])
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_who_may_open_it(world: World, page: Page) -> None:
    for method, answers in found(world, page).items():
        compare_with_the_grid(page, method, answers)


def compare_with_the_grid(page: Page, method: str, answers: dict[str, dict[str, Answer]]) -> None:
    lines = written(method, page, answers)
    rows = grid()
    assert all((method, page.name, whose) in rows for whose in answers), (
        f"{method} {page.name} has no lines in tests/access/grid.txt. If these answers are right, add the lines:\n"
        + "\n".join(lines)
    )
    expected = [[int(status) for status in rows[method, page.name, whose]] for whose in answers]
    got = [[answer.status for answer in by_role.values()] for by_role in answers.values()]
    assert got == expected, (
        f"{method} {page.name} does not answer as in tests/access/grid.txt:\n" + "\n".join(lines)
    )
    for role in ROLES:
        assert_indistinguishable(page, role, {whose: by_role[role] for whose, by_role in answers.items()})


def assert_indistinguishable(page: Page, role: str, answers: dict[str, Answer]) -> None:
    """Assert that foreign, unknown and invisible objects give the same status, body, headers and number of queries."""
    hidden = {whose: answer for whose, answer in answers.items() if whose in ("foreign", "unknown")}
    if "others" in answers and answers["others"].status == answers["unknown"].status:
        hidden["others"] = answers["others"]
    for whose, answer in hidden.items():
        assert answer.status in REFUSED or page.name in EXPLAINED, (role, whose, answer.status)
        assert answer.seen == answers["unknown"].seen, (role, whose)
        assert answer.queries == answers["unknown"].queries, (role, whose)


def test_all_pages_in_the_grid_exist() -> None:
    gone = {page for _, page, _ in grid()} - {page.name for page in PAGES}
    assert not gone, f"tests/access/grid.txt has lines for pages that are not in the URLconf: {gone}"


def test_every_role_has_a_column() -> None:
    assert {len(statuses) for statuses in grid().values()} == {len(ROLES)}


def test_a_post_without_a_csrf_token_is_refused(world: World) -> None:
    """The status is 403, or 405 if the page accepts no POST."""
    client, statuses = Client(enforce_csrf_checks=True), {}
    client.force_login(world.cast.ada)
    for page in PAGES:
        values = {name: OBJECTS[name](world, world.cast.ada, "own", page.name) for name in page.parameters}
        statuses[page.name] = client.post(reverse(page.name, kwargs=values)).status_code
    assert {page: status for page, status in statuses.items() if status not in (403, 405)} == {}
