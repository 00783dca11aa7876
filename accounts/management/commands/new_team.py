"""`manage.py new_team`: create teams, which is not possible on the site."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.typed import NOTHING, name_of
from accounts.people.actions import Refused
from accounts.people.actions.tenants import create_teams


class Command(BaseCommand):
    help = "Creates teams in a tenant. Users are added to teams, and teams to views, on the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", help="name of the tenant")
        parser.add_argument("teams", nargs="+", metavar="team", help="name of a team")

    def handle(self, *args: Any, tenant: str, teams: list[str], **options: Any) -> None:
        names = list(
            {name.casefold(): name for name in (name_of("A team", typed) for typed in teams)}.values()
        )
        try:
            of = create_teams(of=tenant, names=names)
        except Refused as error:
            raise CommandError(f"{error} {NOTHING}") from error
        self.stdout.write(f"Created these teams in {of.name}: {', '.join(names)}.")
