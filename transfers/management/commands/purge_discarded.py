from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from transfers.retention import purge_discarded
from transfers.wording import counted


class Command(BaseCommand):
    help = "Delete rows that transfers discarded and that have been kept long enough."

    def add_arguments(self, parser: ArgumentParser) -> None:
        text = "delete what is older than so many days (default: the setting DISCARDED_DAYS, now %(default)s)"
        parser.add_argument("--days", type=int, default=settings.DISCARDED_DAYS, help=text)

    @wall.every_tenant()
    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if days < 0:
            raise CommandError("--days must be 0 or more. Nothing was deleted.")
        purged = purge_discarded(days)
        self.stdout.write(f"Deleted {counted(purged, 'discarded row')} older than {counted(days, 'day')}.")
