"""`manage.py new_tenant`: create a tenant and its first user. This is the first step on a new site."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.typed import NOTHING, cleaned, name_of, new_password
from accounts.models import User
from accounts.people.actions import Refused, UserFields
from accounts.people.actions.tenants import create_tenant
from accounts.people.forms import UserForm

FIELDS = {"username": "--admin", "email": "--email", "first_name": "--first-name", "last_name": "--last-name"}


class Command(BaseCommand):
    help = (
        "Creates a tenant with its standard roles, its EnterpriseView and its first tenant administrator, who creates"
        " the tenant's other users on the site. Asks for the administrator's password, or reads it from standard"
        " input if that is not a terminal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the organisation")
        parser.add_argument("--admin", dest="username", required=True, help="user name of the administrator")
        parser.add_argument("--email", default="", help="email of the administrator; also used to sign in")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        name = name_of("The tenant", name)
        typed: dict[str, Any] = {
            field: cleaned(option, UserForm.base_fields[field], options[field])
            for field, option in FIELDS.items()
        }
        password = new_password(User(**typed))
        try:
            made = create_tenant(name=name, administrator=UserFields(**typed), password=password)
        except Refused as error:
            raise CommandError(f"{error} {NOTHING}") from error
        self.stdout.write(f"Created the tenant {name} ({made.tenant_id}). {made.username} can sign in.")
