"""`manage.py seed_demo`: fill an empty database with demo data."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.management.owner import owner_needed
from demo.accounts import ACCOUNTS
from demo.records.values import NoValue
from demo.seed import DatabaseNotEmpty, seed
from demo.special_users import SPECIAL_USERS

MIN_USERS = 30


def users(text: str) -> int:
    if not text.isdecimal() or int(text) < MIN_USERS:
        raise ArgumentTypeError(f"{text} is not a whole number of at least {MIN_USERS}")
    return int(text)


def scale(text: str) -> float:
    try:
        factor = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number. Use a number such as 0.2") from error
    if not 0 < factor <= 1000:
        raise ArgumentTypeError(f"{text} is not a number above 0 and at most 1000")
    return factor


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date. Use a date such as 2026-11-22") from error


class Command(BaseCommand):
    help = (
        "Fill an empty database with a realistic contact centre: two tenants, their users, and a year of records of"
        " every data type. An agent has on average demo_rows times --scale records of a data type: 5,000 users have"
        " about a million records at scale 0.1, and two million at 0.2. The same options give the same rows, except for"
        " password hashes. Runs in one transaction: if it is interrupted, the database stays empty."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--users", type=users, default=500, help="number of users of the first tenant (default: 500)"
        )
        parser.add_argument(
            "--scale", type=scale, default=1.0, help="factor for the number of records (default: 1)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="random seed for users and records (default: 1)"
        )
        parser.add_argument("--until", type=day, help="last day of the year of records (default: today)")
        parser.add_argument(
            "--force-on-a-real-database",
            action="store_true",
            help="run even when DATABASE_URL is set. The password of the accounts is public, in the project's source:"
            " never do this on a site that others can reach.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO and not options["force_on_a_real_database"]:
            raise CommandError(
                "DATABASE_URL is set, so this may be a production database, and the demo password is public."
                " Unset DATABASE_URL to fill the demo's own database, or add --force-on-a-real-database."
            )
        started = time.monotonic()
        until = options["until"] or timezone.localdate()
        say = self.stdout.write if options["verbosity"] else lambda text: None
        try:
            with owner_needed("fill a database with demo data"):
                made = seed(
                    users=options["users"], scale=options["scale"], seed=options["seed"], until=until, say=say
                )
        except DatabaseNotEmpty as error:
            raise CommandError(
                "The database already has a tenant, and demo data needs an empty database. Nothing was changed."
            ) from error
        except NoValue as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        say(f"{sum(made.values()):,} records in {time.monotonic() - started:.1f} s.")
        accounts = [f"  {a.username:<12} {a.password}  {a.role}: {a.sentence}" for a in ACCOUNTS]
        say("\n".join(["Sign in as", *accounts]))
        special = [f"  {user.username:<18} {user.sentence}" for user in SPECIAL_USERS]
        say("\n".join(["Users that show a special case", *special]))
