"""`manage.py verify_audit`: detect changes to the audit log."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.verification import contains_head, describe, tenants_to_verify, verify


def digest(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ArgumentTypeError(
            "enter the 64 hexadecimal digits of a chain's head, as shown in the log and by this command"
        )
    return text


class Command(BaseCommand):
    help = (
        "Recomputes the digests of all events and seals of the audit log, and reports events and seals that were"
        " changed, removed, reordered, or added outside the application. Exits with 1 if there are any. This cannot"
        " detect that the end of a chain was cut off, unless you keep its head (the last digest, which is printed here"
        " and logged at each sealing) somewhere else and pass it with --holds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", type=int, metavar="ID", help="only this tenant (default: all)")
        text = "also check that this earlier head is still in the chain"
        parser.add_argument("--holds", type=digest, metavar="HEAD", help=text)

    def handle(self, *args: Any, tenant: int | None, **options: Any) -> None:
        tenants = tenants_to_verify()
        if tenant is not None and tenant not in tenants:
            raise CommandError(f"There is no tenant {tenant}. Tenants: {', '.join(map(str, tenants))}.")
        chosen = tenants if tenant is None else [tenant]
        results = [verify(tenant_id) for tenant_id in chosen]
        for result in results:
            self.stdout.write(describe(result))
        if any(result.wrong for result in results):
            raise CommandError("The audit log was changed. Keep a copy of the database as it is now.")
        head = options["holds"]
        if head and not any(contains_head(tenant_id, head) for tenant_id in chosen):
            raise CommandError(f"No chain contains {head}: the end of a chain was cut off.")
