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
        parser.add_argument("transfer", type=int, help="number of the transfer, as on its page")
        parser.add_argument(
            "--tenant", metavar="NAME", help="the tenant, if several have a transfer of that number"
        )

    @all_tenants_context()
    def handle(self, *args: Any, transfer: int, tenant: str | None, **options: Any) -> None:
        found = find(transfer, tenant)
        rows = dict(found.pairs.values_list("pk", "row_number"))
        for deleted in deleted_rows(found.pk):
            line = {"transfer": found.number, "pair": rows[deleted.entry.pair_id], **to_json(deleted)}
            self.stdout.write(json.dumps(line, ensure_ascii=False))


def find(number: int, tenant: str | None) -> Transfer:
    named = {"tenant__name__iexact": tenant} if tenant else {}
    found = list(Transfer.objects.filter(number=number, **named).select_related("tenant"))
    if not found:
        of = f" of a tenant {tenant}" if tenant else ""
        raise CommandError(f"There is no transfer {number}{of}. The Transfers page lists the numbers.")
    if len(found) > 1:
        names = ", ".join(sorted(transfer.tenant.name for transfer in found))
        raise CommandError(f"Several tenants have a transfer {number}: {names}. Add --tenant NAME.")
    return found[0]


def to_json(deleted: DeletedRow) -> dict[str, Any]:
    entry = deleted.entry
    return {
        "data_type": entry.data_type,
        "table": entry.table,
        "reason": entry.what,
        "discarded_at": entry.written_at.isoformat(),
        "row": deleted.row,
    }
