"""`manage.py remove_second_factor`: help a user who has lost their phone and recovery codes to sign in again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.typed import NOTHING
from accounts.signing_in.backends import find_user
from accounts.signing_in.second_factors import remove_second_factors
from tenancy.context import all_tenants_context


class Command(BaseCommand):
    help = (
        "Removes a user's authenticator app, passkeys and recovery codes, and ends their sessions. Until they set up a"
        " new second factor, they can sign in with their password alone. First make sure, by some means other than"
        " email, that the request comes from the user."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name or email, in upper or lower case")

    @all_tenants_context()
    def handle(self, *args: Any, user: str, **options: Any) -> None:
        person = find_user(user)
        if person is None:
            raise CommandError(f"No user has the user name or email {user}. {NOTHING}")
        removed = remove_second_factors(user=person)
        whom = f"{person.name} ({person.pk}), {person.username}, of {person.tenant.name}"
        if not removed:
            raise CommandError(f"{whom} has no second factor. {NOTHING}")
        self.stdout.write(f"Removed from {whom}: {', '.join(removed)}. Their sessions have ended.")
