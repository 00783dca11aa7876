"""`manage.py housekeeping`: delete what has been kept long enough."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from operations.housekeeping import keep_house


class Command(BaseCommand):
    help = (
        "Deletes what has been kept long enough (docs/operations.md has the list) and says how much of each kind. The"
        " clock has it done every night; it may be run at any time, twice at once too, and broken off."
    )

    @wall.every_tenant()
    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = keep_house()
        for outcome in outcomes:
            self.stdout.write(f"{outcome.removed:>10,} {outcome.what}")
        if troubles := [f"{outcome.what}: {outcome.trouble}" for outcome in outcomes if outcome.trouble]:
            raise CommandError(f"Not all could be removed; run it again. {'; '.join(troubles)}", returncode=1)
