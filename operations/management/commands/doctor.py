"""`manage.py doctor`: check everything the site depends on."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.checks import ERROR, WARNING, CheckMessage
from django.core.management.base import BaseCommand, CommandError

from operations.doctor import examine
from tenancy.context import all_tenants_context
from wording.phrases import counted


class Command(BaseCommand):
    help = (
        "Checks settings, PostgreSQL, Redis, workers, disk and clocks, and says how to fix what is wrong. Changes"
        " nothing. Exits with 1 on errors and, with --strict, on warnings."
    )
    requires_system_checks: list[str] = []  # doctor runs them itself, and continues after their errors

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="exit with 1 on warnings as well")

    @all_tenants_context()
    def handle(self, *args: Any, strict: bool, **options: Any) -> None:
        levels = []
        for finding in examine():
            self.print(finding)
            levels.append(finding.level)
        errors, warnings = sum(level >= ERROR for level in levels), levels.count(WARNING)
        summary = (
            f"{counted(len(levels), 'check')}: {counted(errors, 'error')}, {counted(warnings, 'warning')}."
        )
        if errors or (strict and warnings):
            raise CommandError(summary, returncode=1)
        self.stdout.write(summary)

    def print(self, finding: CheckMessage) -> None:
        self.stdout.write(f"{logging.getLevelName(finding.level):<7} {finding.msg} ({finding.id})")
        if finding.hint:
            self.stdout.write(f"        → {finding.hint}")
