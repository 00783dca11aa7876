"""`manage.py set_password`: for a user who has no password or lost it, on a site that can mail no link to a new one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from accounts.actions.passwords import set_password
from accounts.backends import find
from accounts.management.typed import NOTHING, new_password
from accounts.models import User
from accounts.providers import offered


class Command(BaseCommand):
    help = (
        "Sets the password of an active user, the first one or another, and ends their sessions. Asks for it twice, or"
        " reads one line from standard input when that is no terminal. Second factors stay. Make sure first that it is"
        " they who ask."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name or email, in whatever case")
        parser.add_argument(
            "--beside-provider",
            action="store_true",
            help="also for a user who has no password because they sign in with the provider of their tenant",
        )

    @wall.every_tenant()
    def handle(self, *args: Any, user: str, beside_provider: bool, **options: Any) -> None:
        person = find(user)
        if person is None:
            raise CommandError(f"Nobody has the user name or email {user}. {NOTHING}")
        whom = f"{person.name} ({person.pk}), {person.username}, of {person.tenant.name}"
        if reason := reason_against(person, beside_provider):
            raise CommandError(f"{whom}, {reason} {NOTHING}")
        set_password(user=person, password=new_password(person))
        self.stdout.write(f"The password of {whom} is set. Their sessions have ended.")


def reason_against(person: User, beside_provider: bool) -> str:
    """Why a password would not help them, or would open a way in that their organisation does not know of."""
    if not person.is_active:
        return "is inactive and cannot sign in. Let an administrator of the tenant make them active on the page Users."
    providers = [] if beside_provider or person.has_usable_password() else offered(person)
    if providers:
        names = " or ".join(provider["name"] for provider in providers)
        return (
            f"has no password and signs in with {names}. Whoever is locked out there could still sign in here with a"
            " password; if that is wanted, add --beside-provider."
        )
    return ""
