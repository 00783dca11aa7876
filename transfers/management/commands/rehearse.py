"""`manage.py rehearse`: try a bulk transfer from a people.csv with everything that it does, and keep nothing of it."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from audit import log as audit_log
from tenancy.postgresql.transient_errors import raising_unavailable
from transfers import actions
from transfers.engine.locks import detect_dead_peer
from transfers.management.commands import transfer
from transfers.management.follow import POLL, TURN, View, outlasting
from transfers.management.person import refused
from transfers.management.report import impact_lines, problem_line
from transfers.models import Rehearsal, Transfer
from transfers.rehearsal.report import report_from
from transfers.rehearsal.worker import gives_way, work_on_rehearsal
from transfers.results.rehearsal import (
    chunks_of,
    failed_pairs,
    impact_of_rehearsal,
    locks_of,
    numbers_in_words,
    numbers_of,
    report_table,
    seconds_in_words,
)
from wording.phrases import counted


class Command(transfer.Command):
    help = (
        "Run the transfer of a people.csv, statement by statement, and roll everything back: what would fail and why,"
        " how long it takes, and which locks it holds. No record is changed. Exit code: 0 if all users would be"
        " transferred, 1 if some would not, 2 if nothing was rehearsed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="people.csv", help="the file, as written by manage.py export_people"
        )
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person who would run the transfer; their permissions and views apply",
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="file to write all users and reasons to, as CSV"
        )

    def transfer(self, person: User, options: dict[str, Any]) -> None:
        if options["report"]:
            transfer.check_writable(options["report"], "--report")
        detect_dead_peer()
        with transfer.quiet_logs(options["verbosity"] < 2), self.draft_of(options["file"], person) as draft:
            self.checked_plan(draft, person)
            rehearsal, view = self.start(draft, person), View(self.stdout)
            follow(rehearsal, view)
            self.write_lines(outlasting(view, lambda: list(report_lines(rehearsal))))
            if options["report"]:
                outlasting(view, lambda: write_report(person, rehearsal, options["report"]))
                self.stdout.write(f"The report is in {options['report']}.")
            if missed := numbers_of(rehearsal).total - numbers_of(rehearsal).succeeded:
                text = f"{counted(missed, 'user')} would not be transferred."
                raise CommandError(text, returncode=transfer.NOT_ALL_TRANSFERRED)

    def start(self, draft: Transfer, person: User) -> Rehearsal:
        try:
            with raising_unavailable():
                return actions.rehearse(by=person, transfer=draft, recount=True)
        except actions.CannotConfirm as cannot:
            raise refused("\n".join(map(problem_line, cannot.problems))) from cannot


def follow(rehearsal: Rehearsal, view: View) -> None:
    """Rehearse in this process, or wait for the worker that does, until the rehearsal has ended."""

    def update() -> None:
        if gives_way(rehearsal):
            view.say("Waiting, because a transfer is running. The rehearsal continues when it has ended.")
        if not work_on_rehearsal(rehearsal.pk, seconds=TURN):
            time.sleep(POLL)
        rehearsal.refresh_from_db()
        numbers = numbers_of(rehearsal)
        view.say(f"{numbers.done:,} of {numbers.total:,} done")

    while rehearsal.is_open:
        outlasting(view, update)


def report_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield the numbers, durations and locks, then each pair that would fail, with the reason."""
    report = report_from(rehearsal.report)
    yield from impact_lines(impact_of_rehearsal(rehearsal))
    if report.differing:
        rows = ", ".join(map(str, report.differing))
        yield f"The numbers differ from those above in {counted(len(report.differing), 'row')}: {rows}."
    for chunk in chunks_of(report):
        yield f"group {chunk.number}: {counted(chunk.pairs, 'user')}, {chunk.failed:,} would fail, {chunk.time}"
    for lock in locks_of(report):
        yield f"{lock.table}: {lock.mode} for up to {lock.time}"
    yield f"{numbers_in_words(numbers_of(rehearsal))}, in {seconds_in_words(report.seconds)}. Nothing was changed."
    for pair in failed_pairs(rehearsal):
        failure = report.failures[pair["row_number"]]
        users = f"{pair['source_name']} ({pair['source_id']}) → {pair['target_name']} ({pair['target_id']})"
        yield f"row {pair['row_number']}: {users}: {failure.reason} {failure.remedy}".rstrip()


def write_report(person: User, rehearsal: Rehearsal, file: Path) -> None:
    audit_log.record(
        "audit-downloaded",
        tenant_id=rehearsal.transfer.tenant_id,
        by=person,
        transfer_number=rehearsal.transfer.number,
        what="rehearsal report",
    )
    with file.open("wb") as target:
        target.writelines(report_table(person, rehearsal).csv())
