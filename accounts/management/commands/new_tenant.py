"""`manage.py new_tenant`: the first thing on a new site, because every page belongs to somebody of a tenant."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actions import Refused, UserFields
from accounts.actions.tenants import create_tenant
from accounts.forms_people import UserForm
from accounts.management.typed import NOTHING, cleaned, name_of, new_password
from accounts.models import User

FIELDS = {"username": "--admin", "email": "--email", "first_name": "--first-name", "last_name": "--last-name"}


class Command(BaseCommand):
    help = (
        "Makes a tenant, with the roles it starts with, its EnterpriseView, and its first tenant administrator, who"
        " makes everybody else on the site. Asks for the administrator's password, or reads it from standard input"
        " when that is no terminal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the organisation")
        parser.add_argument("--admin", dest="username", required=True, help="user name of the administrator")
        parser.add_argument("--email", default="", help="of the administrator; for mails, and for signing in")
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
        self.stdout.write(f"The tenant {name} ({made.tenant_id}) is there, and {made.username} can sign in.")
