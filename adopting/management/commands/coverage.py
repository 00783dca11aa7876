import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from adopting.coverage import adopted, coverage, undecided
from wording.display_text import visible

NOTHING = "No app has adopted tables: `manage.py adopt` writes one (docs/adopting.md)."


class Command(BaseCommand):
    help = (
        "List every column in which a person stands as transferred, not transferred or undecided. Exits 1 if one is"
        " undecided."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--undecided", action="store_true", help="list only the undecided columns")

    def handle(self, *args: Any, **options: Any) -> None:
        if not adopted():
            self.stdout.write(NOTHING)
            return
        columns = coverage()
        open_ones = undecided(columns)
        for column in open_ones if options["undecided"] else columns:
            self.stdout.write(visible(str(column)))
        self.stdout.write(f"{len(columns)} columns, {len(open_ones)} undecided.")
        if open_ones:
            sys.exit(1)
