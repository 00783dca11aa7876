"""Unusual URLs, queries and forms never cause a server error, whether or not the user has permissions."""

import itertools
import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from operations.models import Operator
from tests.fixtures.cast import Cast, signed_in, transfer
from tests.fixtures.managers import boss
from tests.fixtures.roles import as_owner
from tests.fixtures.running import upload
from tests.fixtures.signing_in import with_app
from transfers.models import State

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("no_messages")]

NUMBERS = (0, 2**63 - 1, 10**30)
HARD = ("", "9" * 40, "a\0b", "x" * 5000)  # each is sent in all fields at once
MIXED = ("0", "-1", "٣", "\U0001f600", "%00", "' OR 1=1 --", "error", "[]")  # sent in turn
NAMES = (
    *(
        "source",
        "target",
        "inactive",
        "source_q",
        "target_q",
        "swap",
        "role",
        "q",
        "page",
        "rows",
        "row",
        "filter",
    ),
    *("show", "state", "kind", "user", "by", "since", "until", "person", "transfer", "new", "next"),
    *(
        "to_text",
        "from_text",
        "plan_hash",
        "transferred",
        "deleted",
        "checked",
        "typed_count",
        "ticked",
        "window",
    ),
    *("username", "first_name", "email", "employee_id", "team", "is_active", "roles", "views", "was"),
    *("name", "teams", "permissions", "add", "take", "users", "people", "seen"),
)


def forms() -> Iterator[dict[str, str]]:
    """Yield forms with an odd value in each field of NAMES."""
    yield from (dict.fromkeys(NAMES, odd) for odd in HARD)
    for first in (0, 3):
        yield dict(zip(NAMES, itertools.islice(itertools.cycle(MIXED), first, None), strict=False))


def routes(resolver: URLResolver, before: str = "") -> list[str]:
    found = []
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        found += routes(entry, route) if isinstance(entry, URLResolver) else [route]
        assert isinstance(entry, URLResolver | URLPattern)
    return found


ALL_ROUTES = routes(get_resolver())
ROUTES = [route for route in ALL_ROUTES if not route.startswith("operate/")]
OPERATOR_ROUTES = sorted(set(ALL_ROUTES) - set(ROUTES))


def addresses(route: str, numbers: tuple[int, ...]) -> list[str]:
    """Return the route's URLs: for each object ID in `numbers` one, and for the first also each row of NUMBERS."""
    if "<" not in route:
        return [f"/{route}"]
    first, *others = [re.sub(r"<int:(transfer|user|view|role)_id>", str(number), route) for number in numbers]
    rows = NUMBERS if "<int:number>" in route else ()
    every = [(first, 2), *((first, row) for row in rows), *((address, 2) for address in others)]
    return [f"/{address.replace('<int:number>', str(row))}" for address, row in every]


ACCOUNTS_ROUTE = re.compile("(users|views|roles)/")


def existing_ids(cast: Cast) -> tuple[int, ...]:
    """Return the IDs of a user, a view and a role."""
    return cast.ana.pk, cast.otto.access_views.get().pk, cast.otto.roles.get().pk


@pytest.fixture
def tess(cast: Cast) -> User:
    """A user with all permissions."""
    return boss(cast)


@pytest.fixture
def numbers(cast: Cast, tess: User) -> tuple[int, ...]:
    """Numbers of a draft, a running and an ended transfer, and numbers that do not exist."""
    made = [
        upload(tess, (cast.ana, cast.bo), (cast.cy, "Bo Chen")),
        transfer(tess, (cast.cy, cast.di), state=State.RUNNING),
        transfer(tess, (cast.ana, cast.bo)),
    ]
    return (*(transfer.number for transfer in made), *NUMBERS)


@pytest.mark.parametrize("route", ROUTES)
def test_odd_ids(cast: Cast, tess: User, numbers: tuple[int, ...], route: str) -> None:
    """Users without permissions are refused before an ID is read, which the access grid shows."""
    client = signed_in(tess)
    ids = (*existing_ids(cast), *NUMBERS) if ACCOUNTS_ROUTE.match(route) else numbers
    for address in addresses(route, ids):
        for headers in (None, {"HX-Request": "true"}):
            assert client.get(address, headers=headers).status_code < 500, address
            assert client.post(address, headers=headers).status_code < 500, address


@pytest.mark.parametrize("route", OPERATOR_ROUTES)
def test_odd_ids_for_operators(cast: Cast, numbers: tuple[int, ...], route: str) -> None:
    with as_owner():
        Operator.objects.create(user=cast.nina)
    with_app(cast.nina)
    nina = signed_in(cast.nina)
    assert nina.get("/operate/").status_code == 200
    for odd in (*numbers, "a", "-1", "_5F"):
        address = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|[\^$]", str(odd), route)
        for sent in ({}, {"q": "a\0b", "p": "٣", "o": "9" * 40, "e": "1", "all": ""}):
            assert nina.get(address, sent).status_code < 500, (address, sent)
            assert nina.post(address, sent).status_code < 500, (address, sent)


@pytest.mark.parametrize("route", [route for route in ROUTES if "sign-out" not in route])
def test_odd_queries_and_forms(cast: Cast, tess: User, numbers: tuple[int, ...], route: str) -> None:
    client = signed_in(tess)
    kind = ACCOUNTS_ROUTE.match(route)
    address = addresses(route, existing_ids(cast)[:1] if kind else numbers)[0]
    if kind and kind[1] != "users":
        address = addresses(route, existing_ids(cast)[("views", "roles").index(kind[1]) + 1 :])[0]
    for sent in forms():
        assert client.get(address, sent).status_code < 500, (address, sent)
        assert client.post(address, sent).status_code < 500, (address, sent)


@pytest.mark.parametrize("address", ["/transfer/bulk/{}/", "/transfer/single/", "/transfers/", "/audit/"])
def test_odd_values_one_by_one(tess: User, numbers: tuple[int, ...], address: str) -> None:
    """Each request gives an odd value to one of the parameters that the page's forms, pager and filters use."""
    client = signed_in(tess)
    page = client.get(address.format(numbers[0])).content.decode()
    names = {"page", "rows", "show", "filter", *re.findall(r'name="(\w+)"', page)} - {"csrfmiddlewaretoken"}
    assert len(names) > 5, names
    for name, odd in itertools.product(sorted(names), ("9" * 40, "٣", "a\0b", "2")):
        assert client.get(address.format(numbers[0]), {name: odd}).status_code < 500, (name, odd)
