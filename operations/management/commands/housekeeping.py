"""`manage.py housekeeping`: delete expired data."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operations.housekeeping import delete_expired
from tenancy.context import all_tenants_context


class Command(BaseCommand):
    help = (
        "Deletes data whose retention period is over (listed in docs/operations.md) and prints how many rows of"
        " each kind were deleted. The scheduler runs this every night. It can be run at any time, even while another"
        " run is in progress, and can be interrupted."
    )

    @all_tenants_context()
    def handle(self, *args: Any, **options: Any) -> None:
        results = delete_expired()
        for result in results:
            self.stdout.write(f"{result.removed:>10,} {result.what}")
        if errors := [f"{result.what}: {result.error}" for result in results if result.error]:
            raise CommandError(
                f"Some data could not be deleted; run this again. {'; '.join(errors)}", returncode=1
            )
