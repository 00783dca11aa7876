"""`manage.py doctor`: is everything there that the site needs, and what is to be done if not."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from operations.doctor import Finding, Level, examine


class Command(BaseCommand):
    help = (
        "Looks at settings, PostgreSQL, Redis, workers, disk and clocks, and says what to do. Changes nothing. Ends"
        " with 1 if anything is wrong; with --strict also if there is anything to look at."
    )
    requires_system_checks: list[str] = []  # it runs them itself, and goes on when they find something

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="end with 1 for every remark")

    @wall.every_tenant()
    def handle(self, *args: Any, strict: bool, **options: Any) -> None:
        levels = []
        for finding in examine():
            self.tell(finding)
            levels.append(finding.level)
        bad = levels.count(Level.WRONG) + (levels.count(Level.WARNING) if strict else 0)
        if bad:
            raise CommandError(f"{bad} of {len(levels)} findings need something done.", returncode=1)
        self.stdout.write(f"{len(levels)} findings, nothing is wrong.")

    def tell(self, finding: Finding) -> None:
        self.stdout.write(f"{finding.level.value:<6} {finding.what}: {finding.says}")
        if finding.do:
            self.stdout.write(f"       → {finding.do}")
