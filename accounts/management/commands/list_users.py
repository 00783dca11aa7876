"""`manage.py list_users`: list users and how they sign in, to look up the user names that other commands need."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.people.actions import Refused
from accounts.people.actions.tenants import tenant_named
from tenancy.context import all_tenants_context
from wording.display_text import visible

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
CHUNK = 1000


class Command(BaseCommand):
    help = (
        "Lists users, one per line, with fields separated by tabs: tenant, user name, name, email, active or inactive,"
        " roles, and whether they have a password and a second factor. An empty value is shown as -. Only active users"
        " are listed, or only inactive ones with --inactive."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="NAME", help="only users of this tenant (default: all)")
        parser.add_argument(
            "--inactive", action="store_true", help="list the inactive users instead of the active ones"
        )

    @all_tenants_context()
    def handle(self, *args: Any, tenant: str | None, inactive: bool, **options: Any) -> None:
        users = users_with_factors().filter(is_active=not inactive)
        if tenant is not None:
            try:
                users = users.filter(tenant=tenant_named(tenant))
            except Refused as error:
                raise CommandError(str(error)) from error
        for user in users.iterator(chunk_size=CHUNK):
            self.stdout.write("\t".join(visible(part) or "-" for part in columns(user)))


def users_with_factors() -> QuerySet[User]:
    """Return all users, annotated with `has_factor`. Recovery codes alone do not count as a second factor."""
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
