"""Create the tenants with their teams, roles, views and users."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, cycle, islice, product
from random import Random
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password

from accounts.models import (
    AccessView,
    AccessViewAssignment,
    AccessViewTeam,
    AccessViewUser,
    Role,
    RoleAssignment,
    Team,
    User,
)
from accounts.models.view import ENTERPRISE_VIEW
from accounts.permissions import STANDARD_ROLES
from demo import people
from demo.accounts import ACCOUNTS, Account
from demo.records.copying import copy, first_free_id
from demo.records.draw import Agent, Draw
from demo.special_users import SPECIAL_USERS, SpecialUser
from tenancy.models import Tenant

SERVICES = "Billing|Support|Retention|Sales|Claims|Back office|Technical|Reservations|Collections|Complaints|VIP|Chat"
REGIONS = "Porto|Lisboa|Málaga|Kraków|Brno|Dublin|Lyon|Manila|Köln|İzmir|Göteborg|Iași"
SHIFTS = "|Early|Late|Night"
PEOPLE_PER_TEAM = 16
WATCHED_TEAMS = 2
SECOND_TENANT = 36
KNOWN_OF_AGENT = ("id", "username", "employee_id", "external_id", "team_id", "is_active")


@dataclass(frozen=True)
class Scene:
    """A tenant of the demo, and its users who have records."""

    tenant: Tenant
    agents: Sequence[Agent]


@dataclass(frozen=True)
class TenantPlan:
    """The name, size, accounts and special users of a tenant that will be created."""

    name: str
    domain: str
    size: int
    accounts: Sequence[Account]
    special_users: Sequence[SpecialUser]


def make(users: int, seed: int, until: date) -> list[Scene]:
    """Create both tenants. The first gets `users` users, including accounts and special users."""
    first = TenantPlan(
        "Northwind Care", "northwind.example", users, [a for a in ACCOUNTS if not a.second], SPECIAL_USERS
    )
    second = TenantPlan(
        "Baltic Telecom", "baltic.example", min(users, SECOND_TENANT), [a for a in ACCOUNTS if a.second], []
    )
    taken = {account.username for account in ACCOUNTS} | {user.username for user in SPECIAL_USERS}
    return [make_tenant(plan, people.Register(plan.domain, taken), seed, until) for plan in (first, second)]


def make_tenant(plan: TenantPlan, register: people.Register, seed: int, until: date) -> Scene:
    tenant = Tenant.objects.create(name=plan.name)
    random = Random(f"{seed} people of {plan.name}")  # nosec B311
    draw = Draw(random, tenant.pk, until, agents=(), pools={})
    teams = make_teams(tenant, max(6, plan.size // PEOPLE_PER_TEAM))
    planted = planted_rows(plan, register, draw, teams)
    others = plan.size - len(planted)
    rows = chain(planted, people.agents(draw, register, [t.pk for t in teams], iter(range(others))))
    users = [row | {"id": number} for number, row in enumerate(rows, first_free_id(User))]
    copy(User, users)
    made = {row["username"]: row["id"] for row in users}
    views = make_views(tenant, teams, [made[t.username] for t in plan.special_users if not t.watched])
    assign_views(plan, made, views, users, random)
    assign_roles(tenant, plan, made)
    return Scene(tenant, agents_of(plan, users, random))


# --- Teams and people ----------------------------------------------------------------------------------------------


def make_teams(tenant: Tenant, wanted: int) -> list[Team]:
    """Create teams such as "Billing · Porto" or, once every region has all services, "Billing · Porto · Early"."""
    parts = product(SHIFTS.split("|"), REGIONS.split("|"), SERVICES.split("|"))
    names = (" · ".join(filter(None, (service, region, shift))) for shift, region, service in parts)
    return Team.objects.bulk_create(Team(tenant=tenant, name=name) for name in islice(names, wanted))


def planted_rows(
    plan: TenantPlan, register: people.Register, draw: Draw, teams: Sequence[Team]
) -> list[dict[str, Any]]:
    """Return the user rows of the accounts and of the special users.

    Special users with `watched` are put into the teams of the narrow view (see `make_views`).
    """
    watched = cycle([team.pk for team in teams[:WATCHED_TEAMS]])
    password = make_password(plan.accounts[0].password)
    rows = [planted(account, register, draw, password=password) for account in plan.accounts]
    for user in plan.special_users:
        team = next(watched) if user.watched else teams[-1].pk
        rows.append(planted(user, register, draw, team_id=team, is_active=user.is_active))
    return rows


def planted(
    who: Account | SpecialUser,
    register: people.Register,
    draw: Draw,
    password: str = UNUSABLE_PASSWORD_PREFIX,
    **facts: Any,
) -> dict[str, Any]:
    facts |= {"first_name": who.first_name, "last_name": who.last_name, "password": password}
    row = people.user(draw, login=who.username, register=register, **facts)
    return row | {"username": who.username, "email": register.email(who.username)}


def agents_of(plan: TenantPlan, users: Sequence[dict[str, Any]], random: Random) -> list[Agent]:
    """Return the users with records: all users except the accounts and the special users without records."""
    without = {a.username for a in plan.accounts} | {t.username for t in plan.special_users if not t.records}
    return [
        Agent(**{name: row[name] for name in KNOWN_OF_AGENT}, share=0.5 + random.random())  # nosec B311
        for row in users
        if row["username"] not in without
    ]


# --- Views and roles -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Views:
    enterprise: AccessView
    narrow: AccessView
    of_team: dict[int, AccessView]
    of_region: dict[str, AccessView]


def make_views(tenant: Tenant, teams: Sequence[Team], single_users: Sequence[int]) -> Views:
    """Create EnterpriseView, a view per team, a view per region, the narrow view, and an inactive view.

    The narrow view shows two teams and `single_users`.
    """
    views = Views(
        AccessView.objects.create(tenant=tenant, name=ENTERPRISE_VIEW, is_enterprise=True),
        view_of(tenant, "Two teams and a few people", teams[:WATCHED_TEAMS]),
        {team.pk: view_of(tenant, team.name, [team]) for team in teams},
        {region: view_of(tenant, f"All of {region}", group) for region, group in by_region(teams).items()},
    )
    AccessViewUser.objects.bulk_create(
        AccessViewUser(view=views.narrow, user_id=user) for user in single_users
    )
    AccessView.objects.create(tenant=tenant, name="Christmas hotline (closed)", is_active=False)
    return views


def view_of(tenant: Tenant, name: str, teams: Iterable[Team]) -> AccessView:
    view = AccessView.objects.create(tenant=tenant, name=name)
    AccessViewTeam.objects.bulk_create(AccessViewTeam(view=view, team=team) for team in teams)
    return view


def by_region(teams: Iterable[Team]) -> dict[str, list[Team]]:
    groups: dict[str, list[Team]] = {}
    for team in teams:
        groups.setdefault(team.name.split(" · ")[1], []).append(team)
    return groups


def assign_views(
    plan: TenantPlan, made: dict[str, int], views: Views, users: Sequence[dict[str, Any]], random: Random
) -> None:
    """Assign each agent the view of their team. One agent in fifty also gets the view of a random region.

    Accounts get EnterpriseView or the narrow view instead. Special users with `beyond` get EnterpriseView in addition.
    """
    accounts = {account.username for account in plan.accounts}
    fresh = {user.username for user in plan.special_users if not user.records}
    regions = list(views.of_region.values())
    pairs = [
        (made[account.username], views.enterprise if account.everything else views.narrow)
        for account in plan.accounts
    ]
    pairs += [(made[user.username], views.enterprise) for user in plan.special_users if user.beyond]
    for row in users:
        if row["team_id"] and row["username"] not in accounts | fresh:
            pairs.append((row["id"], views.of_team[row["team_id"]]))
            if random.random() < 0.02:  # nosec B311
                pairs.append((row["id"], random.choice(regions)))  # nosec B311
    AccessViewAssignment.objects.bulk_create(
        (AccessViewAssignment(user_id=user, view=view) for user, view in pairs), batch_size=1000
    )


def assign_roles(tenant: Tenant, plan: TenantPlan, made: dict[str, int]) -> None:
    roles = {
        role: Role.objects.create(
            tenant=tenant, name=role.name, permissions=[permission.value for permission in role.permissions]
        )
        for role in STANDARD_ROLES
    }
    held: list[tuple[str, Any]] = [(account.username, account.standard_role) for account in plan.accounts]
    held += [(user.username, user.role) for user in plan.special_users if user.role]
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user_id=made[username], role=roles[role]) for username, role in held
    )
