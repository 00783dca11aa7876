"""`manage.py transfer`: a bulk transfer from a people.csv, with the checks and the run of the browser."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from accounts.models import User
from accounts.permissions import Permission
from accounts.postgresql.away import DatabaseAway, telling_when_away
from transfers import actions, audit
from transfers.engine.locks import COUNTING, chunk_lock, free_soon
from transfers.management.follow import View, follow, outlasting
from transfers.management.person import acting_person, refused
from transfers.management.report import file_line, plan_lines, problem_line, problem_lines, result_lines
from transfers.models import State, Transfer
from transfers.people_csv import FileRejected
from transfers.plan import Plan, plan_of
from transfers.results import progress_of
from transfers.sheets import errors_csv
from transfers.wording import counted

NOT_ALL_TRANSFERRED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Command(BaseCommand):
    help = (
        "Transfers the data of every user whose To User ID is filled in, permanently. The file is checked as in the"
        " browser and nothing starts while any row has an error. Ends with 0 when all were transferred, 1 when any"
        " was not, 2 when nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="people.csv", help="see manage.py export_people")
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email; their permissions and views apply",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and change nothing"
        )
        parser.add_argument(
            "--audit", type=Path, metavar="FILE", help="where to write the audit log of errors"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["by"], Permission.TRANSFER_BULK) as person:
            self.transfer(person, options)

    def transfer(self, person: User, options: dict[str, Any]) -> None:
        if options["audit"] and not options["dry_run"]:
            check_writable(options["audit"])
        free_soon()
        with quiet_logs(options["verbosity"] < 2), self.draft_of(options["file"], person) as draft:
            plan = self.judged(draft, person)
            if options["dry_run"]:
                self.stdout.write("Dry run: nothing was changed.")
                return
            view = View(self.stdout)
            transfer = self.confirm(draft, plan, person, view)
            view.say(f"Started as transfer {transfer.pk}.")
            follow(transfer, view)
            self.report(transfer, person, options["audit"], view)

    @contextmanager
    def draft_of(self, file: Path, person: User) -> Iterator[Transfer]:
        """The uploaded file; discarded at the end unless it was confirmed. What Ctrl-C means is said."""
        try:
            with file.open("rb") as stream:
                draft = actions.upload(by=person, file_name=file.name, stream=stream)
        except OSError as error:
            raise refused(f"{file} cannot be read ({error.strerror}).") from error
        except FileRejected as rejected:
            raise refused(problem_line(rejected.problem)) from rejected
        except KeyboardInterrupt as interrupt:
            connection.close()  # perhaps in the middle of a statement, and of no use any more
            raise interrupted("Nothing was changed.") from interrupt
        try:
            try:
                yield draft
            except KeyboardInterrupt:
                connection.close()
                raise
            finally:
                discard_if_there(draft, person)  # where a confirmation is under way, after it
        except KeyboardInterrupt as interrupt:
            raise interrupted(left_behind(draft)) from interrupt

    def judged(self, draft: Transfer, person: User) -> Plan:
        # Workers that were told of a large file leave it to this command, unless one of them was first.
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
        self.write_lines(plan_lines(plan))
        return plan

    def confirm(self, draft: Transfer, plan: Plan, person: User, view: View) -> Transfer:
        try:
            with telling_when_away():
                return actions.confirm(
                    by=person, transfer=draft, plan_hash=plan.hash, typed_count=len(plan.pairs)
                )
        except actions.CannotConfirm as cannot:
            raise refused("\n".join(map(problem_line, cannot.problems))) from cannot
        except actions.PlanChanged as changed:
            raise refused(f"{changed} Nothing was changed. Look at it again with --dry-run.") from changed
        except DatabaseAway as away:
            outlasting(view, draft.refresh_from_db)  # whether it was confirmed, only the database knows
            if draft.state == State.DRAFT:
                raise refused(
                    f"{away.sentence} The transfer was not confirmed, and nothing was changed."
                ) from away
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


def interrupted(text: str) -> CommandError:
    return CommandError(f"\n{text}", returncode=INTERRUPTED)


def discard_if_there(draft: Transfer, person: User) -> None:
    """A draft that stays because the database is away, the person finds among the transfers."""
    with suppress(DatabaseAway), telling_when_away():
        actions.discard(by=person, transfer=draft)


def left_behind(transfer: Transfer) -> str:
    """What Ctrl-C means for the transfer: before the confirmation it is gone, after it the workers have it."""
    try:
        with telling_when_away():
            transfer.refresh_from_db()
    except DatabaseAway as away:
        return f"{away.sentence} If the transfer was started, it goes on when the database is back."
    if transfer.state in (State.DRAFT, State.DISCARDED):
        return "Nothing was changed."
    if transfer.is_final:
        return f"The transfer had ended. See /transfers/{transfer.pk}/ in the browser."
    return (
        f"The transfer was not stopped: it goes on on the server. To stop it, open /transfers/{transfer.pk}/"
        " in the browser and choose Stop after the current users."
    )


@contextmanager
def quiet_logs(wanted: bool) -> Iterator[None]:
    """The engine's line for each step belongs into a worker's log and not between the progress; -v 2 shows it."""
    logger = logging.getLogger("transfers")
    before = logger.level
    if wanted:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def check_writable(file: Path) -> None:
    """Before anything is moved, because afterwards it would be too late to name another."""
    is_new = not file.exists()
    try:
        with file.open("ab"):
            pass
        if is_new:
            file.unlink()
    except OSError as error:
        raise refused(
            f"--audit: {file} cannot be written ({error.strerror}). Name another file. Nothing was changed."
        ) from error


def write_audit(transfer: Transfer, person: User, file: Path) -> None:
    """The same rows as the browser's download, noted in the audit log in the same way."""
    with transaction.atomic(), file.open("wb") as target:
        audit.record(
            "audit-downloaded",
            tenant_id=transfer.tenant_id,
            by=person,
            transfer_id=transfer.pk,
            what="audit log of errors",
        )
        target.writelines(errors_csv(transfer))
