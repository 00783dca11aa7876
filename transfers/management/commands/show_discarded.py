import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import wall
from transfers.models import DiscardedRow, Transfer


class Command(BaseCommand):
    help = "Write the rows that a transfer discarded, as they were: one line of JSON each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transfer", type=int, help="the transfer's ID, as in the address of its page")

    @wall.every_tenant()
    def handle(self, *args: Any, transfer: int, **options: Any) -> None:
        if not Transfer.objects.filter(pk=transfer).exists():
            raise CommandError(f"There is no transfer {transfer}. The IDs are on the page Transfers.")
        for row in DiscardedRow.objects.filter(transfer_id=transfer).order_by("pk").iterator():
            self.stdout.write(json.dumps(line(row), ensure_ascii=False))


def line(row: DiscardedRow) -> dict[str, Any]:
    return {
        "transfer": row.transfer_id,
        "pair": row.pair_id,
        "data_type": row.data_type,
        "table": row.table,
        "reason": row.reason,
        "discarded_at": row.discarded_at.isoformat(),
        "row": row.row,
    }
