"""`manage.py operator`: who may look at the transfers of all tenants under /operate/."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from accounts.management.owner import owner_needed
from accounts.models import User
from operations.models import Operator


class Command(BaseCommand):
    help = (
        "Says who may open the pages for operators, under /operate/, which show the transfers and the audit log of all"
        " tenants. Works as the role that owns the tables, so it needs MIGRATION_DATABASE_URL, as migrate does: the"
        " application itself may only read who is an operator."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=("add", "remove", "list"))
        parser.add_argument("user", nargs="?", help="user name, in whatever case")

    @wall.every_tenant()
    def handle(self, *args: Any, what: str, user: str | None, **options: Any) -> None:
        if what == "list":
            for operator in Operator.objects.select_related("user").order_by("pk"):
                self.stdout.write(f"{operator.user.username} since {operator.since:%Y-%m-%d %H:%M} UTC")
            return
        person = known(user)
        with owner_needed("say who is an operator"):
            change(person, what)
        state = "an operator now" if what == "add" else "no operator any more"
        self.stdout.write(f"{person.username} is {state}.")


def change(person: User, what: str) -> None:
    if what == "add":
        Operator.objects.get_or_create(user=person)
    else:
        Operator.objects.filter(user=person).delete()


def known(name: str | None) -> User:
    if not name:
        raise CommandError("Say who: manage.py operator add USER.")
    person = User.objects.filter(username__iexact=name).first()
    if person is None:
        raise CommandError(f"Nobody has the user name {name}. Nothing was changed.")
    return person
