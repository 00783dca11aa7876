"""`manage.py list_users`: who there is and how they sign in, for the commands that take a user name."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Exists, OuterRef, QuerySet

from accounts import wall
from accounts.actions import Refused
from accounts.actions.tenants import tenant_called
from accounts.models import User
from accounts.names import visible

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
AT_ONCE = 1000


class Command(BaseCommand):
    help = (
        "Lists the active users, one a line: tenant, user name, name, email, whether they are active, roles, and"
        " whether they have a password and a second factor. Tabs stand between; what is empty is a -."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="NAME", help="only those of this one (all)")
        parser.add_argument(
            "--inactive", action="store_true", help="the inactive users in place of the active"
        )

    @wall.every_tenant()
    def handle(self, *args: Any, tenant: str | None, inactive: bool, **options: Any) -> None:
        users = users_with_factors().filter(is_active=not inactive)
        if tenant is not None:
            try:
                users = users.filter(tenant=tenant_called(tenant))
            except Refused as error:
                raise CommandError(str(error)) from error
        for user in users.iterator(chunk_size=AT_ONCE):
            self.stdout.write("\t".join(visible(part) or "-" for part in columns(user)))


def users_with_factors() -> QuerySet[User]:
    """Each with `has_factor`: recovery codes alone are none."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    people = User.objects.select_related("tenant").prefetch_related("roles")
    return people.annotate(has_factor=Exists(factors)).order_by("tenant__name", "tenant", "sort_name", "pk")


def columns(user: Any) -> tuple[str, ...]:
    ways = [
        "password" if user.has_usable_password() else "no password",
        "second factor" if user.has_factor else "no second factor",
    ]
    return (
        user.tenant.name,
        user.username,
        user.name,
        user.email,
        "active" if user.is_active else "inactive",
        ", ".join(sorted(role.name for role in user.roles.all())),
        ", ".join(ways),
    )
