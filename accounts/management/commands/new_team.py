"""`manage.py new_team`: teams are how an organisation is divided, and no page makes them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actions import Refused
from accounts.actions.tenants import create_teams
from accounts.management.typed import NOTHING, name_of


class Command(BaseCommand):
    help = "Makes teams of a tenant; users are put into them, and they into views, on the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="its name")
        parser.add_argument("teams", nargs="+", metavar="name", help="of a team")

    def handle(self, *args: Any, tenant: str, teams: list[str], **options: Any) -> None:
        names = list(
            {name.casefold(): name for name in (name_of("A team", typed) for typed in teams)}.values()
        )
        try:
            of = create_teams(of=tenant, names=names)
        except Refused as error:
            raise CommandError(f"{error} {NOTHING}") from error
        self.stdout.write(f"New in {of.name}: {', '.join(names)}.")
