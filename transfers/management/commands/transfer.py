"""`manage.py transfer`: run a bulk transfer from a people.csv, with the same checks as in the browser."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from accounts.permissions import Permission
from audit import log as audit_log
from spreadsheets.rejection import FileRejected
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers import actions
from transfers.engine.locks import COUNTING, chunk_lock, detect_dead_peer
from transfers.management.drafts import kept_until_confirmed
from transfers.management.follow import View, follow, outlasting
from transfers.management.person import acting_person, refused
from transfers.management.report import file_line, plan_lines, problem_line, problem_lines, result_lines
from transfers.models import State, Transfer
from transfers.planning.plan import Plan, plan_of
from transfers.results.exports import errors_table
from transfers.results.progress import progress_of
from transfers.results.undo_deadline import permanence
from wording.phrases import counted

NOT_ALL_TRANSFERRED = 1


class Command(BaseCommand):
    help = (
        "Transfer the data of every user whose To User ID is filled in. The file is checked as in the browser,"
        " and nothing starts if a row has an error. Exit code: 0 if all users were transferred, 1 if some"
        " were not, 2 if nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="people.csv", help="the file, as written by manage.py export_people"
        )
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person running the transfer; their permissions and views apply",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would happen and change nothing"
        )
        parser.add_argument(
            "--accept-warnings",
            action="store_true",
            help="start even if the file is suspicious, for example if To User ID seems to be sorted on its own",
        )
        parser.add_argument(
            "--audit", type=Path, metavar="FILE", help="file to write the audit log of errors to"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["by"], Permission.TRANSFER_BULK) as person:
            self.transfer(person, options)

    def transfer(self, person: User, options: dict[str, Any]) -> None:
        if options["audit"] and not options["dry_run"]:
            check_writable(options["audit"])
        detect_dead_peer()
        with quiet_logs(options["verbosity"] < 2), self.draft_of(options["file"], person) as draft:
            plan = self.checked_plan(draft, person)
            if options["dry_run"]:
                self.stdout.write("Dry run: nothing was changed.")
                return
            view = View(self.stdout)
            if plan.to_tick and not options["accept_warnings"]:
                raise refused(not_accepted(plan))
            transfer = self.confirm(draft, plan, person, view)
            view.say(f"Started as transfer {transfer.number}.")
            follow(transfer, view)
            self.report(transfer, person, options["audit"], view)

    def draft_of(self, file: Path, person: User) -> AbstractContextManager[Transfer]:
        """Yield a draft with the content of the file, as `kept_until_confirmed` does."""
        return kept_until_confirmed(lambda: uploaded(file, person), person)

    def checked_plan(self, draft: Transfer, person: User) -> Plan:
        # Hold the counting lock, so that no worker counts the draft meanwhile, unless one has already started.
        with chunk_lock(draft.pk, COUNTING):
            plan = plan_of(draft, person)
        self.stdout.write(file_line(draft))
        self.write_lines(problem_lines(draft, plan))
        if plan.errors:
            raise refused(
                f"{counted(len(plan.errors), 'error')} in this file. Correct it and try again. Nothing was changed."
            )
        if not plan.ready:
            raise refused(
                "No users selected. Fill in To User ID for each user whose data you want to move."
                " Nothing was changed."
            )
        self.write_lines([*plan_lines(plan), permanence()])
        return plan

    def confirm(self, draft: Transfer, plan: Plan, person: User, view: View) -> Transfer:
        try:
            with raising_unavailable():
                return actions.confirm(
                    by=person,
                    transfer=draft,
                    plan_hash=plan.hash,
                    typed_count=len(plan.pairs),
                    ticked={warning.code for warning in plan.to_tick},
                )
        except actions.CannotConfirm as cannot:
            raise refused("\n".join(map(problem_line, cannot.problems))) from cannot
        except actions.PlanChanged as changed:
            raise refused(
                f"{changed} Nothing was changed. Check the new numbers with --dry-run."
            ) from changed
        except DatabaseUnavailable as unavailable:
            outlasting(view, draft.refresh_from_db)  # the confirmation may have been committed
            if draft.state == State.DRAFT:
                raise refused(
                    f"{unavailable.sentence} The transfer did not start. Nothing was changed."
                ) from unavailable
            return draft

    def report(self, transfer: Transfer, person: User, file: Path | None, view: View) -> None:
        self.write_lines(outlasting(view, lambda: list(result_lines(transfer))))
        if file:
            outlasting(view, lambda: write_audit(transfer, person, file))
            self.stdout.write(f"The audit log of errors is in {file}.")
        missed = outlasting(view, lambda: progress_of(transfer)).not_transferred
        if missed or transfer.state == State.FAILED:
            raise CommandError(f"{counted(missed, 'user')} not transferred.", returncode=NOT_ALL_TRANSFERRED)

    def write_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def uploaded(file: Path, person: User) -> Transfer:
    try:
        with file.open("rb") as stream:
            return actions.upload(by=person, file_name=file.name, stream=stream)
    except OSError as error:
        raise refused(f"{file} cannot be read ({error.strerror}).") from error
    except FileRejected as rejected:
        raise refused(problem_line(rejected.problem)) from rejected


def not_accepted(plan: Plan) -> str:
    warnings = " ".join(f"{warning.sentence} {warning.remedy}" for warning in plan.to_tick)
    return f"{warnings} To start all the same, add --accept-warnings. Nothing was changed."


@contextmanager
def quiet_logs(is_quiet: bool) -> Iterator[None]:
    """If `is_quiet`, hide the log lines about each step, which would interrupt the progress output. -v 2 shows them."""
    logger = logging.getLogger("transfers")
    before = logger.level
    if is_quiet:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def check_writable(file: Path, option: str = "--audit") -> None:
    """Before the transfer, raise CommandError if the file cannot be written, so that another file can be named."""
    is_new = not file.exists()
    try:
        with file.open("ab"):
            pass
        if is_new:
            file.unlink()
    except OSError as error:
        raise refused(
            f"{option}: {file} cannot be written ({error.strerror}). Name another file. Nothing was changed."
        ) from error


def write_audit(transfer: Transfer, person: User, file: Path) -> None:
    """Write the audit log of errors. Rows and audit event are the same as for the download in the browser."""
    with transaction.atomic(), file.open("wb") as target:
        audit_log.record(
            "audit-downloaded",
            tenant_id=transfer.tenant_id,
            by=person,
            transfer_number=transfer.number,
            what="audit log of errors",
        )
        target.writelines(errors_table(transfer).csv())
