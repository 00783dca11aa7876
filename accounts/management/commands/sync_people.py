"""`manage.py sync_people`: bring the users in line with a view of the organisation's own people."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.people.from_view.source import PeopleRefused
from accounts.people.from_view.synchronising import Numbers, Report, synchronise
from wording.phrases import counted

NOTHING = "Nothing was changed."


class Command(BaseCommand):
    help = (
        "Creates, changes and deactivates users as the view of people says (docs/adopting-people.md; the settings"
        " PEOPLE_VIEW and PEOPLE_COLUMNS). Never deletes a user. Administrators and users without an external ID stay"
        " as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        try:
            report = synchronise(dry_run=dry_run)
        except PeopleRefused as refused:
            raise CommandError(f"{refused}\n{NOTHING}") from refused
        for line in lines(report, dry_run=dry_run):
            self.stdout.write(line)


def lines(report: Report, *, dry_run: bool) -> list[str]:
    changed = [line(found) for found in report.tenants] or ["All users are as the view says."]
    return [*changed, *report.notes, *([f"This was a dry run. {NOTHING}"] if dry_run else [])]


def line(found: Numbers) -> str:
    return (
        f"{found.tenant}: {counted(found.created, 'user')} created, {found.changed:,} changed,"
        f" {found.deactivated:,} deactivated, {found.left_out:,} left out."
    )
