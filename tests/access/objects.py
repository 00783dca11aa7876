"""The users of the access tests, and functions that create the objects in the pages' URLs.

Each URL parameter needs a function in `OBJECTS`. Depending on `whose`, it creates an object of the requesting user or
of the team Support ("own"), of another user or team in the tenant ("others") or of another tenant ("foreign"), or
returns an ID that does not exist ("unknown").
"""

from collections.abc import Callable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import AccessView, AccessViewTeam, Role, Team, User
from accounts.permissions import TENANT_ADMINISTRATOR
from tests.fixtures.cast import Cast, add_pair, agent, person, transfer
from tests.fixtures.managers import MANAGER, narrow
from tests.fixtures.running import upload
from transfers import actions
from transfers.models import Kind, PairState, Rehearsal, State, Transfer

ROLES = ("anonymous", "nobody", "operator", "viewer", "admin", "manager", "tenant", "stranger")
WHOSE = ("own", "others", "foreign", "unknown")
UNKNOWN = 987_654_321

DRAFTS = {
    f"transfers:{name}"
    for name in (
        "preview",
        "preview-row",
        "preview-row-cleared",
        "preview-row-confirmed",
        "preview-row-restored",
        "preview-row-check",
        "preview-group-cleared",
        "preview-group-corrected",
        "preview-rows-restored",
        "preview-counting",
        "preview-corrections",
        "preview-kept-apart",
        "preview-counts",
        "preview-direction",
        "preview-discard",
        "preview-errors",
        "transfer-confirmation",
        "rehearsal",
    )
}
UNDO_DRAFTS = {
    f"transfers:undo-{name}" for name in ("preview", "counting", "changed", "rows", "counts", "discard")
}
RUNNING = {"transfers:transfer-progress", "transfers:transfer-stop"}
REHEARSED = {f"transfers:rehearsal-{name}" for name in ("progress", "stop", "report")}


class World:
    """The users of `Cast` and more: Tara administers the tenant Abacus, and Frida the tenant Foreign. Zoe has the same
    rights as Ada, Mia manages the users and views of the team Support, and the users in `abroad` are agents in Foreign.

    kept: whether no request changes an object, for example because all are rolled back. One transfer then serves all
        pages that need it in the same state.
    """

    def __init__(self, *, kept: bool = False) -> None:
        self.kept = kept
        self.clients: dict[str, Client] = {}  # by role
        self.transfers: dict[tuple[int, str], Transfer] = {}  # by creator, and by page or state
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
            user.password = "argon2$matches no password"
            user.save()

    def foreign_team(self) -> Team:
        return self.cast.foreign.teams.get_or_create(name="Abroad")[0]

    def people(self) -> dict[str, User | None]:
        cast = self.cast
        users = (None, cast.nina, cast.otto, cast.vera, cast.ada, self.mia, self.tara, self.frida)
        return dict(zip(ROLES, users, strict=True))


def transfer_number(world: World, asking: User | None, whose: str, page: str) -> int:
    cast = world.cast
    if whose == "unknown":
        return UNKNOWN
    abroad = asking is world.frida
    creators = {"own": asking or cast.ada, "others": world.zoe, "foreign": world.frida}
    if abroad:
        creators |= {"others": cast.frida, "foreign": world.zoe}
    by = creators[whose]
    key = by.pk, state_for(page) if world.kept else page
    if key not in world.transfers:
        world.transfers[key] = made(by, state_for(page), world)
    return world.transfers[key].number


def state_for(page: str) -> str:
    """Return the state that the page needs: by default, ended with a failed pair."""
    states = {"rehearsed": REHEARSED, "draft": DRAFTS, "undo draft": UNDO_DRAFTS, "running": RUNNING}
    states["succeeded"] = {"transfers:transfer-undo"}
    return next((state for state, pages in states.items() if page in pages), "ended")


def rehearsed(by: User, world: World) -> Transfer:
    draft = made(by, "draft", world)
    Rehearsal.objects.create(transfer=draft, pairs=[], total=0)
    return draft


def made(by: User, state: str, world: World) -> Transfer:
    """Create a transfer in this state (see `state_for`).

    The target of Zoe's transfers is in the team Sales, which only users with EnterpriseView can see.
    """
    if state == "rehearsed":
        return rehearsed(by, world)
    cast = world.cast
    source, target = world.abroad if by.tenant == cast.foreign else (cast.ana, cast.bo)
    if by == world.zoe:
        target = cast.eli
    if state == "draft":
        if by == cast.otto:
            return actions.start_single(by=by, source_id=source.pk, target_id=target.pk)
        return upload(by, (source, target))
    if state == "undo draft":
        return actions.undo(by=by, transfer=transfer(by, (source, target)))
    if state == "running":
        return transfer(by, (source, target), state=State.RUNNING)
    kind = Kind.SINGLE if by == cast.otto else Kind.BULK
    if state == "succeeded":
        return transfer(by, (source, target), kind=kind)
    ended = transfer(by, state=State.FINISHED_WITH_ERRORS, kind=kind)
    reason = {"code": "locked", "reason": "Locked.", "remedy": "Try again."}
    add_pair(ended, 2, source, target, state=PairState.FAILED, **reason)
    return ended


def row_number(world: World, asking: User | None, whose: str, page: str) -> int:
    return 2


def problem_code(world: World, asking: User | None, whose: str, page: str) -> str:
    return "unknown-user"


# --- Users, views and roles: in the asking user's view, only in their tenant, in another tenant -----------------------


def is_abroad(world: World, asking: User | None, whose: str) -> bool:
    """Return whether the object is in the tenant Foreign. To Frida, a user of Foreign, "foreign" means Abacus."""
    return (asking == world.frida) != (whose == "foreign")


def user_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Return the ID of a user in the team Support (in every view) for "own", or in the team Sales for "others"."""
    if whose == "unknown":
        return UNKNOWN
    if is_abroad(world, asking, whose):
        return world.abroad[0].pk
    return (world.cast.eli if whose == "others" else world.cast.ana).pk


def view_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Return the ID of a view, which includes the team Support for "own" and the team Sales for "others"."""
    if whose == "unknown":
        return UNKNOWN
    cast = world.cast
    home = cast.sales if whose == "others" else cast.support
    team = world.foreign_team() if is_abroad(world, asking, whose) else home
    view, _ = AccessView.objects.get_or_create(tenant=team.tenant, name=f"View of the grid, {whose}")
    AccessViewTeam.objects.get_or_create(view=view, team=team)
    return view.pk


def role_id(world: World, asking: User | None, whose: str, page: str) -> int:
    """Return the ID of a role. Roles have no team, so "own" and "others" are both roles of the tenant."""
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
    """Return the encoded user ID in a password-reset URL. Only the URL for "own" gets a valid key (see `link_key`)."""
    return "zzzzz" if whose == "unknown" else user_pk_to_url_str(owner(world, asking, whose))


def link_key(world: World, asking: User | None, whose: str, page: str) -> str:
    key = default_token_generator.make_token(owner(world, asking, "own"))
    return key if whose == "own" else "abc123-0123456789abcdef0123456789abcdef"


def provider_id(world: World, asking: User | None, whose: str, page: str) -> str:
    """Return the ID of an identity provider: "own" is the one that `conftest.py` puts in the settings."""
    return "abacus" if whose == "own" else "no-such-provider"


# For each URL parameter, the function (world, asking user, one of WHOSE, URL name) that returns its value.
OBJECTS: dict[str, Callable[[World, User | None, str, str], int | str]] = {
    "transfer_number": transfer_number,
    "number": row_number,
    "problem": problem_code,
    "user_id": user_id,
    "view_id": view_id,
    "role_id": role_id,
    "pk": passkey_id,
    "uidb36": link_user,
    "key": link_key,
    "provider_id": provider_id,
}
# Parameters that are positions within an object, not objects themselves.
WITHIN = {"number", "problem"}
# Parameters that have only some of the kinds in WHOSE. The sign-in page shows every provider to everyone, so a provider
# either exists or not.
PRESENT = {"provider_id": ("own", "unknown")}

# The form fields that a page needs, each with the function that returns its value.
SENT = {
    "accounts:view-users": (("add", user_id),),
    "accounts:view-people": (("add", user_id),),
}
# Pages that respond to an invalid link with an explanation, the same for everyone, instead of a refusal.
EXPLAINED = {"account_reset_password_from_key"}
