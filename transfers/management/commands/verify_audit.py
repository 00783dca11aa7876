"""`manage.py verify_audit`: is the audit log what it was?"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transfers.audit_verification import holds, in_words, tenants_to_verify, verify


def digest(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ArgumentTypeError("give the 64 characters of a head, as the log and this command show them")
    return text


class Command(BaseCommand):
    help = (
        "Computes every event and every seal of the audit log anew, and names the first that was changed, is missing,"
        " stands in another place or was added outside of the application. Ends with 1 when there is one. A chain"
        " whose end was cut off is whole in itself: keep a head elsewhere (it is printed here, and logged at each"
        " sealing), and give it back with --holds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", type=int, metavar="ID", help="only this one (all)")
        text = "also: is this head of an earlier day still in the chain of the tenant?"
        parser.add_argument("--holds", type=digest, metavar="HEAD", help=text)

    def handle(self, *args: Any, tenant: int | None, **options: Any) -> None:
        tenants = tenants_to_verify()
        if tenant is not None and tenant not in tenants:
            raise CommandError(f"There is no tenant {tenant}. The tenants: {', '.join(map(str, tenants))}.")
        chosen = tenants if tenant is None else [tenant]
        found = [verify(one) for one in chosen]
        for one in found:
            self.stdout.write(in_words(one))
        if any(one.wrong for one in found):
            raise CommandError("The audit log is not what it was. Keep a copy of the database as it is now.")
        if options["holds"] and not any(holds(one, options["holds"]) for one in chosen):
            raise CommandError(f"No chain holds {options['holds']}: the end of one was cut off.")
