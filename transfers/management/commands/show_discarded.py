import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenancy.context import all_tenants_context
from transfers.models import DiscardedRow, Transfer


class Command(BaseCommand):
    help = "Print the records that a transfer discarded, as they were before the transfer, one JSON object per line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transfer", type=int, help="ID of the transfer, as in the address of its page")

    @all_tenants_context()
    def handle(self, *args: Any, transfer: int, **options: Any) -> None:
        if not Transfer.objects.filter(pk=transfer).exists():
            raise CommandError(f"There is no transfer {transfer}. The Transfers page lists the IDs.")
        for row in DiscardedRow.objects.filter(transfer_id=transfer).order_by("pk").iterator():
            self.stdout.write(json.dumps(to_json(row), ensure_ascii=False))


def to_json(row: DiscardedRow) -> dict[str, Any]:
    return {
        "transfer": row.transfer_id,
        "pair": row.pair_id,
        "data_type": row.data_type,
        "table": row.table,
        "reason": row.reason,
        "discarded_at": row.discarded_at.isoformat(),
        "row": row.row,
    }
