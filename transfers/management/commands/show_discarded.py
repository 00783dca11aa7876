import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenancy.context import all_tenants_context
from transfers.models import Transfer
from transfers.results.deleted_rows import DeletedRow, deleted_rows


class Command(BaseCommand):
    help = "Print the records that a transfer discarded, as they were before the transfer, one JSON object per line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transfer", type=int, help="ID of the transfer, as in the address of its page")

    @all_tenants_context()
    def handle(self, *args: Any, transfer: int, **options: Any) -> None:
        if not Transfer.objects.filter(pk=transfer).exists():
            raise CommandError(f"There is no transfer {transfer}. The Transfers page lists the IDs.")
        for deleted in deleted_rows(transfer):
            self.stdout.write(json.dumps(to_json(deleted), ensure_ascii=False))


def to_json(deleted: DeletedRow) -> dict[str, Any]:
    entry = deleted.entry
    return {
        "transfer": entry.transfer_id,
        "pair": entry.pair_id,
        "data_type": entry.data_type,
        "table": entry.table,
        "reason": entry.what,
        "discarded_at": entry.written_at.isoformat(),
        "row": deleted.row,
    }
