"""`manage.py allow_identifiers`: let a tenant's files name users by other texts than their ID."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.typed import NOTHING
from accounts.people.actions import Refused
from accounts.people.actions.tenants import allow_identifiers


class Command(BaseCommand):
    help = (
        "Allows emails, user names and employee IDs in the columns From User ID and To User ID of a tenant's files,"
        " or forbids them again with --off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="name of the tenant")
        parser.add_argument("--off", action="store_true", help="forbid them again")

    def handle(self, *args: Any, tenant: str, off: bool, **options: Any) -> None:
        try:
            of = allow_identifiers(of=tenant, allowed=not off)
        except Refused as error:
            raise CommandError(f"{error} {NOTHING}") from error
        now = "only user IDs" if off else "user IDs, emails, user names and employee IDs"
        self.stdout.write(f"The ID columns in files of {of.name} may hold {now}.")
