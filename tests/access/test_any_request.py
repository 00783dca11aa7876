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


ALL_ROUTES = list(dict.fromkeys(routes(get_resolver())))
ROUTES = [route for route in ALL_ROUTES if not route.startswith("operate/")]
OPERATOR_ROUTES = sorted(set(ALL_ROUTES) - set(ROUTES))
HTMX = {"HX-Request": "true"}


def address_of(route: str, number: int, row: int = 2) -> str:
    """Return the route's URL with these numbers in place of its ID and of its row."""
    address = re.sub("<slug:[a-z_]+>", "unknown-user", route.replace("<int:number>", str(row)))
    address = re.sub("<int:[a-z_]+>", str(number), address)
    assert "<int:" not in address
    return f"/{address}"


@pytest.fixture(scope="module")
def cast(kept_rows: None) -> Cast:
    return Cast()


@pytest.fixture(scope="module")
def tess(cast: Cast) -> User:
    """A user with all permissions."""
    return boss(cast)


@pytest.fixture(scope="module")
def numbers(cast: Cast, tess: User) -> list[int]:
    """Numbers of a draft, a running and an ended transfer."""
    made = [
        upload(tess, (cast.ana, cast.bo), (cast.cy, "Bo Chen")),
        transfer(tess, (cast.cy, cast.di), state=State.RUNNING),
        transfer(tess, (cast.ana, cast.bo)),
    ]
    return [transfer.number for transfer in made]


def existing_ids(cast: Cast, numbers: list[int], route: str) -> list[int]:
    """Return IDs of objects of the kind that the route needs, or an empty list if it needs none."""
    if "<int:transfer_number>" in route:
        return numbers
    if "<int:user_id>" in route:
        return [cast.ana.pk]
    if "<int:view_id>" in route:
        return [cast.otto.access_views.get().pk]
    return [cast.otto.roles.get().pk] if "<int:role_id>" in route else []


@pytest.mark.parametrize("route", [route for route in ROUTES if "<int:" in route])
def test_odd_ids(cast: Cast, tess: User, numbers: list[int], route: str) -> None:
    """Users without permissions are refused before an ID is read, which the access grid shows."""
    client = signed_in(tess)
    ids = existing_ids(cast, numbers, route)
    rows = NUMBERS if "<int:number>" in route else ()
    existing = [address_of(route, number) for number in ids]
    odd = [*(address_of(route, ids[0], row) for row in rows), *(address_of(route, n) for n in NUMBERS)]
    for address, headers in [*((it, None) for it in existing + odd), *((it, HTMX) for it in existing)]:
        assert client.get(address, headers=headers).status_code < 500, address
        assert client.post(address, headers=headers).status_code < 500, address


@pytest.mark.parametrize("route", OPERATOR_ROUTES)
def test_odd_ids_for_operators(cast: Cast, numbers: list[int], route: str) -> None:
    with as_owner():
        Operator.objects.create(user=cast.nina)
    with_app(cast.nina)
    nina = signed_in(cast.nina)
    assert nina.get("/operate/").status_code == 200
    odd = (*numbers, *NUMBERS, "a", "-1", "_5F") if re.search(r"<|\(\?P", route) else ("",)
    query = {"q": "a\0b", "p": "٣", "o": "9" * 40, "e": "1", "all": ""}
    for value, sent in (*((value, {}) for value in odd), (odd[0], query), (odd[-1], query)):
        address = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|[\^$]", str(value), route)
        assert nina.get(address, sent).status_code < 500, (address, sent)
        assert nina.post(address, sent).status_code < 500, (address, sent)


@pytest.mark.parametrize("route", [route for route in ROUTES if "sign-out" not in route])
def test_odd_queries_and_forms(cast: Cast, tess: User, numbers: list[int], route: str) -> None:
    client = signed_in(tess)
    ids = existing_ids(cast, numbers, route) or [0]
    address = address_of(route, ids[-1] if route.startswith("transfers/") else ids[0])
    for sent, headers in zip(forms(), itertools.cycle((None, HTMX)), strict=False):
        assert client.get(address, sent, headers=headers).status_code < 500, (address, sent)
        assert client.post(address, sent, headers=headers).status_code < 500, (address, sent)


@pytest.mark.parametrize("address", ["/transfer/bulk/{}/", "/transfer/single/", "/transfers/", "/audit/"])
def test_odd_values_one_by_one(tess: User, numbers: list[int], address: str) -> None:
    """Each request gives an odd value to one of the parameters that the page's forms, pager and filters use."""
    client = signed_in(tess)
    page = client.get(address.format(numbers[0])).content.decode()
    names = {"page", "rows", "show", "filter", *re.findall(r'name="(\w+)"', page)} - {"csrfmiddlewaretoken"}
    assert len(names) > 5, names
    for name, odd in itertools.product(sorted(names), ("9" * 40, "٣", "a\0b", "2")):
        assert client.get(address.format(numbers[0]), {name: odd}).status_code < 500, (name, odd)
