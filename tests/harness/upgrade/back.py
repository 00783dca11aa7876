"""Revert a database to the given migrations: `python -m tests.harness.upgrade.back transfers=0001_first …`."""

import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402

if __name__ == "__main__":
    for target in sys.argv[1:]:
        call_command("migrate", *target.split("="))
