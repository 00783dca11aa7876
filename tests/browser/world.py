"""The users in the page states: the named test users with a few records, or the demo data with many."""

from dataclasses import dataclass

from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.permissions import TENANT_ADMINISTRATOR
from demo import seed
from demo.special_users import SPECIAL_USERS
from tests.fixtures.cast import Cast, agent, person, sign_in
from tests.fixtures.records import everything
from tests.fixtures.roles import as_owner
from transfers.models import DraftRow, Kind, Participant, Transfer, TransferPair


@dataclass(frozen=True)
class World:
    """The users in the page states.

    boss: may run all transfers. operator: may run only single transfers. nobody: has no permissions.
    chief: a tenant administrator, who has all permissions.
    people: at least 60 agents in the boss's view, of whom the first two have records.
    """

    boss: User
    operator: User
    nobody: User
    people: list[User]
    chief: User

    @property
    def source(self) -> User:
        return self.people[0]

    @property
    def target(self) -> User:
        return self.people[1]


# The demo's constraint stays in the database when its rows are deleted after a test.
UNFREEZE = """
DO $$ DECLARE frozen regclass; BEGIN
    FOR frozen IN SELECT conrelid FROM pg_constraint WHERE conname = 'demo_frozen_records' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT demo_frozen_records', frozen);
    END LOOP;
END $$
"""


def small_world() -> World:
    """Create the named users of `Cast` and 56 more agents; two users have a few records."""
    cast = Cast()
    crowd = [agent(cast.support, f"Agent Number{number}") for number in range(56)]
    User.objects.filter(pk=cast.bo.pk).update(
        username="bo.chen.of-the-night-shift@abacus-customer-care.example"
    )
    everything(cast.ana, 2)
    everything(cast.bo, 2)
    chief = person(cast.abacus, "Tess Boss", TENANT_ADMINISTRATOR, cast.ada.access_views.get())
    return World(cast.ada, cast.otto, cast.nina, [cast.ana, cast.bo, cast.cy, cast.di, *crowd], chief)


def demo_world() -> World:
    """Create the demo data."""
    with as_owner():
        with connection.cursor() as cursor:
            cursor.execute(UNFREEZE)
        seed.seed(users=100, scale=0.5, seed=1, until=timezone.localdate())
    boss, operator, nobody = (User.objects.get(username=name) for name in ("admin", "operator", "viewer"))
    agents = User.objects.filter(tenant=boss.tenant, role_assignments=None, is_active=True)
    plain = agents.exclude(access_view_assignments__view__is_enterprise=True)
    plain = plain.exclude(username__in=[user.username for user in SPECIAL_USERS])
    chief = User.objects.get(username="tenantadmin")
    return World(boss, operator, nobody, list(plain.order_by("id")[:60]), chief)


def forget_transfers() -> None:
    """Delete every transfer, undos first, so that the next page shows none."""
    TransferPair.objects.update(undone_by=None)
    for model in (Participant, TransferPair, DraftRow):
        model.objects.all().delete()
    Transfer.objects.filter(kind=Kind.UNDO).delete()
    Transfer.objects.all().delete()


def enter(page: Page, server: LiveServer, user: User | None) -> None:
    """Sign in as this user, or sign out if it is None."""
    page.context.clear_cookies()
    if user is not None:
        sign_in(page, server, user)
