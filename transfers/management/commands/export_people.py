"""`manage.py export_people`: write the file of users that can be downloaded in step 1 of a bulk transfer."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.permissions import Permission
from transfers.management.person import acting_person, refused
from transfers.results.exports import export_people


class Command(BaseCommand):
    help = (
        "Write people.csv or people.xlsx with all active and inactive users in the person's views, and an empty"
        " To User ID column. It is the same file as the download in the browser. Fill in To User ID, then run:"
        " manage.py transfer people.csv --by USER"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person running the export; their views apply",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help="file to write: a workbook if its name ends in .xlsx, otherwise CSV (default: standard output)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["by"], Permission.TRANSFER_BULK) as person:
            self.export(person, options["output"])

    def export(self, person: User, file: Path | None) -> None:
        if file is None:
            write(sys.stdout.buffer, export_people(by=person).csv())
            return
        try:
            with file.open("wb") as target:
                users = export_people(by=person)
                write(target, users.xlsx() if file.suffix.lower() == ".xlsx" else users.csv())
        except OSError as error:
            raise refused(
                f"--output: {file} cannot be written ({error.strerror}). Name another file."
            ) from error


def write(target: Any, content: Iterable[bytes]) -> None:
    for part in content:
        target.write(part)
    target.flush()
