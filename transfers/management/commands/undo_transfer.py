"""`manage.py undo_transfer`: undo a transfer or some of its pairs, with the same checks as in the browser."""

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.access import Unreachable
from accounts.models import User
from accounts.permissions import Permission
from tenancy.postgresql.transient_errors import DatabaseUnavailable, raising_unavailable
from transfers import actions
from transfers.access import access_transfer
from transfers.engine.locks import COUNTING, chunk_lock, detect_dead_peer
from transfers.management.commands.transfer import NOT_ALL_TRANSFERRED, quiet_logs
from transfers.management.drafts import kept_until_confirmed
from transfers.management.follow import View, follow, outlasting
from transfers.management.person import acting_person, refused
from transfers.management.report import problem_line, undo_plan_lines, undo_result_lines
from transfers.models import State, Transfer
from transfers.planning.undo.plan import UndoPlan, undo_plan_of
from transfers.results.progress import progress_of
from transfers.results.undo import pairs_to_undo, refusal_of
from wording.phrases import counted
from wording.problems import Problem


class Command(BaseCommand):
    help = (
        "Undo a transfer: give back what was moved, and restore what was deleted. Nothing starts if a user has an"
        " error, for example because records were changed since. Exit code: 0 if all users were undone, 1 if some"
        " were not, 2 if nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "transfer", type=int, metavar="TRANSFER", help="the number of the transfer to undo"
        )
        parser.add_argument(
            "--by",
            required=True,
            metavar="USER",
            help="user name or email of the person undoing the transfer; their permissions and views apply",
        )
        parser.add_argument(
            "--pair",
            action="append",
            default=[],
            metavar="SOURCE:TARGET",
            help="undo only this pair of user IDs, as they were transferred, for example 18:19; may be repeated",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would happen and change nothing"
        )
        parser.add_argument(
            "--leave-changed",
            action="store_true",
            help="leave records that were changed since as they are, and undo the rest",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["by"], Permission.UNDO) as person:
            detect_dead_peer()
            with quiet_logs(options["verbosity"] < 2):
                self.undo(person, options)

    def undo(self, person: User, options: dict[str, Any]) -> None:
        undone = transfer_of(person, options["transfer"])
        rows = pairs_of(undone, options["pair"])
        with kept_until_confirmed(
            lambda: new_draft(person, undone, rows, options["leave_changed"]), person
        ) as draft:
            plan = self.checked_plan(draft, person)
            if options["dry_run"]:
                self.stdout.write("Dry run: nothing was changed.")
                return
            view = View(self.stdout)
            transfer = confirm(draft, plan, person, view)
            view.say(f"Started as transfer {transfer.number}.")
            follow(transfer, view)
            self.report(transfer, person, view)

    def checked_plan(self, draft: Transfer, person: User) -> UndoPlan:
        # Hold the counting lock, so that no worker counts the draft meanwhile, unless one has already started.
        with chunk_lock(draft.pk, COUNTING):
            plan = undo_plan_of(draft, person)
        self.write_lines(problem_line(problem) for row in plan.rows for problem in row.problems)
        self.write_lines(undo_plan_lines(draft, plan))
        if plan.errors:
            raise refused(f"{counted(len(plan.errors), 'error')}. Nothing was changed.")
        return plan

    def report(self, transfer: Transfer, person: User, view: View) -> None:
        self.write_lines(outlasting(view, lambda: list(undo_result_lines(person, transfer))))
        if missed := outlasting(view, lambda: progress_of(transfer)).not_transferred:
            raise CommandError(f"{counted(missed, 'user')} not undone.", returncode=NOT_ALL_TRANSFERRED)

    def write_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.stdout.write(line)


def transfer_of(person: User, number: int) -> Transfer:
    try:
        return access_transfer(person, number)
    except Unreachable as unreachable:
        raise refused(
            f"{person.name} can see no transfer {number}. Check the number on the Transfers page of the site."
        ) from unreachable


def pairs_of(undone: Transfer, texts: Sequence[str]) -> list[int] | None:
    """Return the row numbers of the pairs that are given as SOURCE:TARGET, or None if none is given."""
    if not texts or refusal_of(undone):  # `actions.undo` raises the refusal
        return None
    known = {
        f"{source}:{target}": row
        for row, source, target in pairs_to_undo(undone).values_list("row_number", "source_id", "target_id")
    }
    if unknown := [text for text in texts if text not in known]:
        raise refused(
            f"--pair: transfer {undone.number} has no transferred pair {', '.join(unknown)} that can be undone. Write"
            " the IDs of Source User and Target User as in 18:19. Nothing was changed."
        )
    return [known[text] for text in texts]


def new_draft(person: User, undone: Transfer, rows: list[int] | None, leave_changed: bool) -> Transfer:
    try:
        return actions.undo(by=person, transfer=undone, rows=rows, leave_changed=leave_changed, fresh=True)
    except actions.CannotUndo as cannot:
        raise refused(as_lines(cannot.problems)) from cannot


def confirm(draft: Transfer, plan: UndoPlan, person: User, view: View) -> Transfer:
    try:
        with raising_unavailable():
            return actions.confirm(
                by=person, transfer=draft, plan_hash=plan.hash, typed_count=len(plan.pairs)
            )
    except actions.CannotConfirm as cannot:
        raise refused(as_lines(cannot.problems)) from cannot
    except actions.PlanChanged as changed:
        raise refused(f"{changed} Nothing was changed. Check the new numbers with --dry-run.") from changed
    except DatabaseUnavailable as unavailable:
        outlasting(view, draft.refresh_from_db)  # the confirmation may have been committed
        if draft.state == State.DRAFT:
            raise refused(
                f"{unavailable.sentence} The undo did not start. Nothing was changed."
            ) from unavailable
        return draft


def as_lines(problems: Iterable[Problem]) -> str:
    lines = [f"{problem.sentence} {problem.remedy}".strip() for problem in problems]
    return "\n".join([*lines, "Nothing was changed."])
