"""`python -m tests.upgrade.first`: brings a database to the last migrations of the first release, there or back."""

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from tests.upgrade.releases import FIRST  # noqa: E402

if __name__ == "__main__":
    for app, last in FIRST.items():
        call_command("migrate", app, last)
