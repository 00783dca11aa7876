"""Who asks, and for what: the people of the grid, and the objects that the addresses speak of.

A page with a new kind of parameter needs an entry in `OBJECTS`, which makes, for a person, one of their own, one of
somebody else in the tenant, one of another tenant, and names one that does not exist.
"""

from collections.abc import Callable

from accounts.models import User
from accounts.permissions import TENANT_ADMINISTRATOR
from tests.transfers.cast import Cast, add_pair, agent, person, transfer
from tests.transfers.running import upload
from transfers import actions
from transfers.models import Kind, PairState, State, Transfer

ROLES = ("anonymous", "nobody", "operator", "viewer", "admin", "tenant", "stranger")
WHOSE = ("own", "others", "foreign", "unknown")
UNKNOWN = 987_654_321

DRAFTS = {
    f"transfers:{name}"
    for name in (
        "preview",
        "preview-row",
        "preview-counting",
        "preview-direction",
        "preview-discard",
        "preview-errors",
        "transfer-confirmation",
    )
}
RUNNING = {"transfers:transfer-progress", "transfers:transfer-stop"}


class World:
    """The cast, and besides: Tara administers Abacus, Frida administers Foreign, Zoe is somebody else in Abacus."""

    def __init__(self) -> None:
        cast = self.cast = Cast()
        everything = cast.ada.access_views.get()
        self.tara = person(cast.abacus, "Tara Tenant", TENANT_ADMINISTRATOR, everything)
        self.zoe = person(cast.abacus, "Zoe Else")
        self.zoe.roles.add(cast.ada.roles.get())
        self.zoe.access_views.add(everything)
        self.frida = person(cast.foreign, "Frieda Boss", TENANT_ADMINISTRATOR, cast.frida.access_views.get())
        self.abroad = [agent(self.foreign_team(), name) for name in ("Fay Far", "Gus Gone")]

    def foreign_team(self):  # type: ignore[no-untyped-def]
        return self.cast.foreign.teams.get_or_create(name="Abroad")[0]

    def people(self) -> dict[str, User | None]:
        cast = self.cast
        everybody = (None, cast.nina, cast.otto, cast.vera, cast.ada, self.tara, self.frida)
        return dict(zip(ROLES, everybody, strict=True))


def transfer_id(world: World, asking: User | None, whose: str, page: str) -> int:
    cast = world.cast
    if whose == "unknown":
        return UNKNOWN
    abroad = asking is world.frida
    if whose == "foreign":
        return made(world.zoe if abroad else world.frida, page, world).pk
    if whose == "others":
        return made(cast.frida if abroad else world.zoe, page, world).pk
    return made(asking or cast.ada, page, world).pk


def made(by: User, page: str, world: World) -> Transfer:
    """A preview, a running transfer, or one that has ended with a failure. Zoe's hold somebody of Sales, whom only
    those who see everybody can see."""
    cast = world.cast
    source, target = world.abroad if by.tenant == cast.foreign else (cast.ana, cast.bo)
    if by == world.zoe:
        target = cast.eli
    if page in DRAFTS:
        if by == cast.otto:
            return actions.start_single(by=by, source_id=source.pk, target_id=target.pk)
        return upload(by, (source, target))
    if page in RUNNING:
        return transfer(by, (source, target), state=State.RUNNING)
    kind = Kind.SINGLE if by == cast.otto else Kind.BULK
    ended = transfer(by, state=State.FINISHED_WITH_ERRORS, kind=kind)
    reason = {"code": "locked", "reason": "Locked.", "remedy": "Try again."}
    add_pair(ended, 2, source, target, state=PairState.FAILED, **reason)
    return ended


def row_number(world: World, asking: User | None, whose: str, page: str) -> int:
    return 2


# By the name of the parameter in the address: (world, who asks, one of WHOSE, URL name) → its value.
OBJECTS: dict[str, Callable[[World, User | None, str, str], int | str]] = {
    "transfer_id": transfer_id,
    "number": row_number,
}
# Which parameter of a page is the object itself; the others are places within it.
WITHIN = {"number"}
