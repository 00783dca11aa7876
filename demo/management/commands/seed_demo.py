"""`manage.py seed_demo`: fill an empty database with a demo contact centre."""

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
from demo.seed import AlreadyThere, seed
from demo.traps import TRAPS

FEWEST = 30


def users(text: str) -> int:
    if not text.isdecimal() or int(text) < FEWEST:
        raise ArgumentTypeError(f"{text} is too few: give a whole number of at least {FEWEST}")
    return int(text)


def scale(text: str) -> float:
    try:
        factor = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number, such as 0.2") from error
    if not 0 < factor <= 1000:
        raise ArgumentTypeError(f"{text} is not a number above 0, and 1000 at most")
    return factor


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day, such as 2026-11-22") from error


class Command(BaseCommand):
    help = (
        "Fills an empty database with a believable contact centre: two tenants, their people, and a year of records of"
        " every data type, as many for each agent as the type's demo_rows says, times --scale: 5,000 users have"
        " about a million at scale 0.1, and two at 0.2. The same numbers, seed and day give the same rows,"
        " password hashes excepted. Everything or nothing: a run that is broken off leaves the database empty."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=users, default=500, help="people of the first tenant (500)")
        parser.add_argument("--scale", type=scale, default=1.0, help="multiplies the rows of each agent (1)")
        parser.add_argument(
            "--seed", type=int, default=1, help="another number gives other people and rows (1)"
        )
        parser.add_argument("--until", type=day, help="the day on which the year of records ends (today)")
        parser.add_argument(
            "--force-on-a-real-database",
            action="store_true",
            help="also where DATABASE_URL is set. The accounts have a password that everybody can read in the"
            " project's files: never do this where the site can be reached by others.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO and not options["force_on_a_real_database"]:
            raise CommandError(
                "DATABASE_URL is set, so this may be a database for real use, and the demo's passwords are public."
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
        except AlreadyThere as error:
            raise CommandError(
                "The database has a tenant already, and demo data goes into an empty one only. Nothing was changed."
            ) from error
        except NoValue as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        say(f"{sum(made.values()):,} records in {time.monotonic() - started:.1f} s.")
        say(self.sign_ins())
        say(self.people_to_try())

    def sign_ins(self) -> str:
        lines = [f"  {a.username:<12} {a.password}  {a.role}: {a.sentence}" for a in ACCOUNTS]
        return "\n".join(["Sign in as", *lines])

    def people_to_try(self) -> str:
        lines = [f"  {trap.username:<18} {trap.sentence}" for trap in TRAPS]
        return "\n".join(["People with whom something is the matter", *lines])
