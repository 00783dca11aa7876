"""`manage.py set_password`: set a user's password on a site that cannot email users a link to set their own."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.typed import NOTHING, new_password
from accounts.models import User
from accounts.people.actions.passwords import set_password
from accounts.signing_in.backends import find_user
from accounts.signing_in.providers.linking import offered
from tenancy.context import all_tenants_context


class Command(BaseCommand):
    help = (
        "Sets or replaces the password of an active user, and ends their sessions. Asks for the password twice, or"
        " reads it as one line from standard input if that is not a terminal. Second factors are kept. First make sure"
        " that the request comes from the user."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name or email, in upper or lower case")
        parser.add_argument(
            "--beside-provider",
            action="store_true",
            help="allow a password for a user who has none because they sign in with their tenant's provider",
        )

    @all_tenants_context()
    def handle(self, *args: Any, user: str, beside_provider: bool, **options: Any) -> None:
        person = find_user(user)
        if person is None:
            raise CommandError(f"No user has the user name or email {user}. {NOTHING}")
        whom = f"{person.name} ({person.pk}), {person.username}, of {person.tenant.name}"
        if reason := reason_not_to_set(person, beside_provider):
            raise CommandError(f"{whom}, {reason} {NOTHING}")
        set_password(user=person, password=new_password(person))
        self.stdout.write(f"The password of {whom} is set. Their sessions have ended.")


def reason_not_to_set(person: User, beside_provider: bool) -> str:
    """Return why the user should not get a password, or "".

    An inactive user could not sign in with it. A user without a password who signs in with an identity provider could
    use it to sign in after the provider has withdrawn their access; `beside_provider` allows this.
    """
    if not person.is_active:
        return "is inactive and cannot sign in. An administrator of the tenant can make them active on the Users page."
    providers = [] if beside_provider or person.has_usable_password() else offered(person)
    if providers:
        names = " or ".join(provider["name"] for provider in providers)
        return (
            f"has no password and signs in with {names}. With a password, they could still sign in after the provider"
            " has withdrawn their access. If that is intended, add --beside-provider."
        )
    return ""
