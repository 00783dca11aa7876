"""Who asks, and for what: the people of the grid, and the objects that the addresses speak of.

A page with a new kind of parameter needs an entry in `OBJECTS`, which makes, for a person, one of their own, one of
somebody else in the tenant, one of another tenant, and names one that does not exist.
"""

from collections.abc import Callable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator

from accounts.models import AccessView, AccessViewTeam, Role, Team, User
from accounts.permissions import TENANT_ADMINISTRATOR
from tests.accounts.managers import MANAGER, narrow
from tests.transfers.cast import Cast, add_pair, agent, person, transfer
from tests.transfers.running import upload
from transfers import actions
from transfers.models import Kind, PairState, State, Transfer

ROLES = ("anonymous", "nobody", "operator", "viewer", "admin", "manager", "tenant", "stranger")
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
    """The cast, and besides: Tara administers Abacus, Frida administers Foreign, Zoe is somebody else in Abacus, and
    Mia manages the users and views of the team Support."""

    def __init__(self) -> None:
        cast = self.cast = Cast()
        everything = cast.ada.access_views.get()
        self.tara = person(cast.abacus, "Tara Tenant", TENANT_ADMINISTRATOR, everything)
        self.mia = person(cast.abacus, "Mia Manager", MANAGER, narrow(cast))
        self.zoe = person(cast.abacus, "Zoe Else")
        self.zoe.roles.add(cast.ada.roles.get())
        self.zoe.access_views.add(everything)
        self.frida = person(cast.foreign, "Frieda Boss", TENANT_ADMINISTRATOR, cast.frida.access_views.get())
        self.abroad = [agent(self.foreign_team(), name) for name in ("Fay Far", "Gus Gone")]
        for user in filter(None, self.people().values()):
            user.password = "argon2$none that anybody could type"
            user.save()

    def foreign_team(self) -> Team:
        return self.cast.foreign.teams.get_or_create(name="Abroad")[0]

    def people(self) -> dict[str, User | None]:
        cast = self.cast
        everybody = (None, cast.nina, cast.otto, cast.vera, cast.ada, self.mia, self.tara, self.frida)
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


# --- People and access: one's own tenant and view, one's own tenant alone, another tenant -----------------------------


def is_abroad(world: World, asking: User | None, whose: str) -> bool:
    """Is it in the tenant Foreign? That is the other one for everybody but Frida, who is at home there."""
    return (asking == world.frida) != (whose == "foreign")


def user_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Own: somebody of the team Support, whom everybody with a view sees. Others: somebody of Sales."""
    if whose == "unknown":
        return UNKNOWN
    if is_abroad(world, asking, whose):
        return world.abroad[0].pk
    return (world.cast.eli if whose == "others" else world.cast.ana).pk


def view_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Of the same teams."""
    if whose == "unknown":
        return UNKNOWN
    cast = world.cast
    home = cast.sales if whose == "others" else cast.support
    team = world.foreign_team() if is_abroad(world, asking, whose) else home
    view, _ = AccessView.objects.get_or_create(tenant=team.tenant, name=f"View of the grid, {whose}")
    AccessViewTeam.objects.get_or_create(view=view, team=team)
    return view.pk


def role_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Roles have no team: whoever may change them may change all of the tenant's."""
    if whose == "unknown":
        return UNKNOWN
    tenant = world.cast.foreign if is_abroad(world, asking, whose) else world.cast.abacus
    permissions = {"permissions": ["see_audit"]}
    return Role.objects.get_or_create(tenant=tenant, name=f"Grid, {whose}", defaults=permissions)[0].pk


# --- Signing in -----------------------------------------------------------------------------------------------------


def owner(world: World, asking: User | None, whose: str) -> User:
    if whose == "own":
        return asking or world.cast.ada
    if is_abroad(world, asking, whose):
        return world.abroad[0]
    return world.zoe


def passkey_id(world: World, asking: User | None, whose: str, page: str) -> int:
    if whose == "unknown":
        return UNKNOWN
    user = owner(world, asking, whose)
    return Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key"}).pk


def link_user(world: World, asking: User | None, whose: str, page: str) -> str:
    """The link to a new password that went to the person; of everybody else, a link that was made up."""
    return "zzzzz" if whose == "unknown" else user_pk_to_url_str(owner(world, asking, whose))


def link_key(world: World, asking: User | None, whose: str, page: str) -> str:
    key = default_token_generator.make_token(owner(world, asking, "own"))
    return key if whose == "own" else "abc123-0123456789abcdef0123456789abcdef"


def provider_id(world: World, asking: User | None, whose: str, page: str) -> str:
    """Own: the one in the settings; see `conftest.py`."""
    return "abacus" if whose == "own" else "no-such-provider"


# By the name of the parameter in the address: (world, who asks, one of WHOSE, URL name) → its value.
OBJECTS: dict[str, Callable[[World, User | None, str, str], int | str]] = {
    "transfer_id": transfer_id,
    "number": row_number,
    "user_id": user_id,
    "view_id": view_id,
    "role_id": role_id,
    "pk": passkey_id,
    "uidb36": link_user,
    "key": link_key,
    "provider_id": provider_id,
}
# Which parameter of a page is the object itself; the others are places within it.
WITHIN = {"number"}
# A provider stands on the sign-in page for everybody; it is there or it is not.
PRESENT = {"provider_id": ("own", "unknown")}

# What is posted to the pages that do nothing without it: the fields, and what makes their values.
SENT = {
    "accounts:view-users": (("add", user_id),),
    "accounts:view-people": (("add", user_id),),
}
# A link that is not right says so on a page of its own, the same for everybody.
SAID = {"account_reset_password_from_key"}
