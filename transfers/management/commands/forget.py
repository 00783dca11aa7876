"""`manage.py forget`: delete the journal of a transfer before its time, for example on a request for erasure."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.access import Unreachable
from accounts.models import User
from accounts.permissions import Permission
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers import actions
from transfers.access import access_transfer
from transfers.management.person import acting_person, refused
from transfers.models import Transfer
from wording.phrases import counted

NOTHING = "Nothing was deleted."


class Command(BaseCommand):
    help = (
        "Delete the journal of a transfer before its time: the rows that it deleted or changed, as they were before."
        " Afterwards the transfer cannot be undone, and show_discarded shows nothing of it. The reason is recorded in"
        " the audit log. Records with the users, results and numbers are not changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transfer", type=int, help="number of the transfer, as on its page")
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person responsible, who needs the permission Undo transfers",
        )
        parser.add_argument("--reason", required=True, help="why, for the audit log")

    def handle(self, *args: Any, transfer: int, by: str, reason: str, **options: Any) -> None:
        if not (reason := reason.strip()):
            raise refused(f"--reason: say why, for the audit log. {NOTHING}")
        with acting_person(by, Permission.UNDO) as person:
            deleted = self.forget(find(transfer, person), person, reason)
        self.stdout.write(
            f"Deleted {counted(deleted, 'journal entry', 'journal entries')} of transfer {transfer}."
            " It cannot be undone any more."
        )

    def forget(self, transfer: Transfer, person: User, reason: str) -> int:
        try:
            with raising_unavailable():
                return actions.forget(by=person, transfer=transfer, reason=reason)
        except actions.CannotForget as cannot:
            raise refused(f"{cannot} Wait until it has ended, then run this again. {NOTHING}") from cannot
        except DatabaseUnavailable as unavailable:
            raise refused(f"{unavailable.sentence} Run this again later.") from unavailable


def find(number: int, person: User) -> Transfer:
    try:
        return access_transfer(person, number)
    except Unreachable as unreachable:
        raise refused(
            f"There is no transfer {number} that {person.name} may see. The Transfers page lists the numbers."
            f" {NOTHING}"
        ) from unreachable
