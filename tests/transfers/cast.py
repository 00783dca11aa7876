"""The named cast of the page tests, and the transfers they find themselves in.

Abacus is the tenant; Foreign is another. Ada may do everything about transfers and sees everybody; Otto transfers
single users of the team Support; Vera sees transfers and the audit log, of everybody; Nina has no role at all.
Frida is Ada's like in the other tenant. Ana, Bo, Cy and Di are agents of Support, Eli is an agent of Sales.
"""

import re
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import (
    AccessView,
    AccessViewAssignment,
    AccessViewTeam,
    Role,
    RoleAssignment,
    Team,
    Tenant,
    User,
)
from accounts.permissions import (
    TRANSFER_ADMINISTRATOR,
    TRANSFER_OPERATOR,
    TRANSFER_VIEWER,
    StandardRole,
)
from transfers.models import DraftRow, Kind, PairState, State, Transfer, TransferPair

RESULTS = (State.SUCCEEDED, State.FINISHED_WITH_ERRORS, State.FAILED, State.STOPPED)


class Cast:
    def __init__(self) -> None:
        self.abacus, self.foreign = (
            Tenant.objects.create(name="Abacus"),
            Tenant.objects.create(name="Foreign"),
        )
        self.support = Team.objects.create(tenant=self.abacus, name="Support")
        self.sales = Team.objects.create(tenant=self.abacus, name="Sales")
        everything = enterprise_view(self.abacus)
        narrow = AccessView.objects.create(tenant=self.abacus, name="Support only")
        AccessViewTeam.objects.create(view=narrow, team=self.support)
        self.ada = person(self.abacus, "Ada Admin", TRANSFER_ADMINISTRATOR, everything)
        self.otto = person(self.abacus, "Otto Operator", TRANSFER_OPERATOR, narrow)
        self.vera = person(self.abacus, "Vera Viewer", TRANSFER_VIEWER, everything)
        self.nina = person(self.abacus, "Nina Nobody")
        self.frida = person(
            self.foreign, "Frida Foreign", TRANSFER_ADMINISTRATOR, enterprise_view(self.foreign)
        )
        self.ana, self.bo, self.cy, self.di = (
            agent(self.support, name) for name in ("Ana Díaz", "Bo Chen", "Cy Young", "Di Ng")
        )
        self.eli = agent(self.sales, "Eli Sales")


def enterprise_view(tenant: Tenant) -> AccessView:
    return AccessView.objects.create(tenant=tenant, name="EnterpriseView", is_enterprise=True)


def person(
    tenant: Tenant, name: str, role: StandardRole | None = None, view: AccessView | None = None
) -> User:
    """Somebody who signs in, without a password: tests use `signed_in`."""
    user = User.objects.create(tenant=tenant, **names(name))
    if role:
        own, _ = Role.objects.get_or_create(
            tenant=tenant, name=role.name, defaults={"permissions": [p.value for p in role.permissions]}
        )
        RoleAssignment.objects.create(role=own, user=user)
    if view:
        AccessViewAssignment.objects.create(view=view, user=user)
    return user


def agent(team: Team, name: str, **fields: Any) -> User:
    return User.objects.create(tenant=team.tenant, team=team, **names(name), **fields)


def names(name: str) -> dict[str, str]:
    first, last = name.split(" ", 1)
    login = f"{first}.{last}".lower().replace(" ", ".")
    return {"first_name": first, "last_name": last, "username": login, "email": f"{login}@example.com"}


def signed_in(user: User) -> Client:
    """A browser in which this person has signed in."""
    client = Client()
    client.force_login(user)
    return client


def without_tokens(page: str) -> str:
    """A page without the token against forged forms, which is another each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"', "", page)


def transfer(by: User, *pairs: tuple[User, User], state: State = State.SUCCEEDED, **fields: Any) -> Transfer:
    """A confirmed transfer with pairs that wait, or succeeded when it is over."""
    final = state in RESULTS
    now = timezone.now()
    made = Transfer.objects.create(
        tenant=by.tenant,
        kind=fields.pop("kind", Kind.SINGLE if len(pairs) == 1 else Kind.BULK),
        state=state,
        requested_by=by,
        requested_by_name=by.name,
        confirmed_at=now,
        started_at=None if state == State.QUEUED else now,
        finished_at=now if final else None,
        **fields,
    )
    for number, (source, target) in enumerate(pairs, start=2):
        add_pair(made, number, source, target, state=PairState.SUCCEEDED if final else PairState.PENDING)
    return made


def add_pair(made: Transfer, number: int, source: User, target: User, **fields: Any) -> TransferPair:
    return TransferPair.objects.create(
        transfer=made,
        row_number=number,
        source=source,
        target=target,
        source_name=source.name,
        target_name=target.name,
        **fields,
    )


def draft(by: User, *rows: dict[str, Any], **fields: Any) -> Transfer:
    """A bulk preview with rows as they would have been judged."""
    made = Transfer.objects.create(
        tenant=by.tenant, kind=Kind.BULK, requested_by=by, requested_by_name=by.name, **fields
    )
    DraftRow.objects.bulk_create(DraftRow(transfer=made, **row) for row in rows)
    return made


def sign_in(page: Page, server: LiveServer, user: User) -> None:
    """The same in a real browser."""
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies(
        [{"name": name, "value": signed_in(user).cookies[name].value, "url": server.url}]
    )
