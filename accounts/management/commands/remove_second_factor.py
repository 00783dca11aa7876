"""`manage.py remove_second_factor`: for somebody who has lost their phone and their recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from accounts.actions.factors import remove_second_factors
from accounts.backends import find
from accounts.management.typed import NOTHING


class Command(BaseCommand):
    help = (
        "Takes away the authenticator app, the passkeys and the recovery codes of a user, and ends their sessions."
        " Until they set up a new one the password alone lets them in: make sure first, by another way than mail, that"
        " it is they who ask."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name or email, in whatever case")

    @wall.every_tenant()
    def handle(self, *args: Any, user: str, **options: Any) -> None:
        person = find(user)
        if person is None:
            raise CommandError(f"Nobody has the user name or email {user}. {NOTHING}")
        removed = remove_second_factors(user=person)
        whom = f"{person.name} ({person.pk}), {person.username}, of {person.tenant.name}"
        if not removed:
            raise CommandError(f"{whom} has no second factor. {NOTHING}")
        self.stdout.write(f"Removed from {whom}: {', '.join(removed)}. Their sessions have ended.")
