"""`manage.py operator`: manage who may view all tenants' transfers under /operate/."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.owner import owner_needed
from accounts.models import User
from operations.models import Operator
from tenancy.context import all_tenants_context


class Command(BaseCommand):
    help = (
        "Adds, removes or lists operators, who may open the pages under /operate/ with the transfers and audit logs of"
        " all tenants. Connects as the role that owns the tables, so it needs MIGRATION_DATABASE_URL, as migrate does:"
        " the application's own role can only read the list."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=("add", "remove", "list"))
        parser.add_argument("user", nargs="?", help="user name, case-insensitive")

    @all_tenants_context()
    def handle(self, *args: Any, what: str, user: str | None, **options: Any) -> None:
        if what == "list":
            for operator in Operator.objects.select_related("user").order_by("pk"):
                self.stdout.write(f"{operator.user.username} since {operator.since:%Y-%m-%d %H:%M} UTC")
            return
        person = find_user(user)
        with owner_needed("change operators"):
            change(person, what)
        state = "now" if what == "add" else "no longer"
        self.stdout.write(f"{person.username} is {state} an operator.")


def change(person: User, what: str) -> None:
    if what == "add":
        Operator.objects.get_or_create(user=person)
    else:
        Operator.objects.filter(user=person).delete()


def find_user(name: str | None) -> User:
    if not name:
        raise CommandError(
            "The user name is missing. Use manage.py operator add USER or manage.py operator remove USER."
        )
    person = User.objects.filter(username__iexact=name).first()
    if person is None:
        raise CommandError(f"No user has the user name {name}. Nothing was changed.")
    return person
